/** What a relay answered, in a sentence for people who run no mail servers. */
import { useI18n } from 'vue-i18n';

/** Enhanced status codes (RFC 3463) and reply codes (RFC 5321 4.2.3), the more exact ones first. */
const byCode: readonly (readonly [RegExp, string])[] = [
  [/\bETIMEDOUT\b|\bESOCKETTIMEDOUT\b/, 'timeout'],
  [/\bECONNREFUSED\b|\bECONNECTION\b|\bESOCKET\b|\bECONNRESET\b|\bEHOSTUNREACH\b|\bENETUNREACH\b/, 'unreachable'],
  [/\bEDNS\b|\bENOTFOUND\b|\bEAI_AGAIN\b/, 'noSuchHost'],
  [/\bECERT\b|\bCERT_|SELF_SIGNED/, 'certificate'],
  [/\bETLS\b|\b454 4\.7\.0\b|\b530 5\.7\.0\b/, 'noTls'],
  [/\bEAUTH\b|\b53[45]\b|\b5\.7\.8\b|\b530\b/, 'signIn'],
  [/\b[45]\.2\.2\b/, 'full'],
  [/\b5\.1\.[0-4]\b|\b5\.1\.6\b|\b5\.1\.10\b|\b5\.2\.1\b/, 'noSuchAddress'],
  [/\b[45]\.1\.[78]\b/, 'sender'],
  [/\b5\.[23]\.[34]\b/, 'tooLarge'],
  [/\b[45]52\b/, 'full'],
  [/\b4\.7\.1\b|\b45[01]\b/, 'later'],
  [/\b5\.7\.\d+\b|\b554\b/, 'policy'],
  [/\b55[0135]\b/, 'noSuchAddress'],
  [/\b421\b|\b4\d\d\b|\b4\.\d+\.\d+\b|\btransient\b/, 'later'],
];

export function relayWord(answer: string): string {
  return byCode.find(([code]) => code.test(answer))?.[1] ?? 'other';
}

export function useRelayWords(): (answer: string | undefined) => string | undefined {
  const { t } = useI18n();
  return (answer) => (answer === undefined ? undefined : t(`deliveries.answer.${relayWord(answer)}`));
}
