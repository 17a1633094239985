import { parseScope } from '../../core/accounts/scopes.ts';
import type { WordKey, Words } from './words.ts';

/** Scopes about the sign-in itself. */
const plain = new Map<string, WordKey>([
  ['openid', 'scope.openid'],
  ['profile', 'scope.profile'],
  ['fhirUser', 'scope.fhirUser'],
  ['offline_access', 'scope.offline_access'],
  ['online_access', 'scope.online_access'],
  ['launch', 'scope.launch'],
  ['launch/patient', 'scope.launch/patient'],
  ['launch/imagingstudy', 'scope.launch/imagingstudy'],
]);

const acts = [
  [/[rs]/, 'scope.see'],
  [/c/, 'scope.add'],
  [/u/, 'scope.change'],
  [/d/, 'scope.delete'],
] as const;

/** What a scope allows, for people who are asked for it. Types of records are names of the standard, the same in all languages. */
export function scopeWords(t: Words, text: string): string {
  const scope = parseScope(text);
  if (!scope) {
    const key = plain.get(text);
    return key ? t(key) : text;
  }
  const list = new Intl.ListFormat(t.language === 'en' ? 'en-GB' : t.language);
  const verbs = list.format(acts.filter(([letters]) => letters.test(scope.permissions)).map(([, key]) => t(key)));
  const isOfPatient = scope.context === 'patient';
  const what =
    scope.type === '*'
      ? t(isOfPatient ? 'scope.allOfPatient' : 'scope.allOfUser', { verbs })
      : t(isOfPatient ? 'scope.typeOfPatient' : 'scope.typeOfUser', { verbs, type: scope.type });
  const limited = scope.query === undefined ? what : t('scope.only', { what, query: scope.query });
  return limited.charAt(0).toUpperCase() + limited.slice(1);
}
