import { useI18n } from 'vue-i18n';
import { asFailure } from '../../api/failure.ts';

/** The sentence for a failure: the server's own where it gave one, else ours. */
export function useFailureText(): (thrown: unknown) => string {
  const { t } = useI18n();
  return (thrown) => {
    const failure = asFailure(thrown);
    const ownWords = failure.kind !== 'signed-out' && failure.kind !== 'changed-elsewhere' && failure.kind !== 'server';
    return (ownWords ? failure.explanation : undefined) ?? t(`failure.${failure.kind}`);
  };
}
