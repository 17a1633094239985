import { useI18n } from 'vue-i18n';
import { asFailure, type FailureKind } from '../../api/failure.ts';

/** Where the server's sentence names records and versions, which say nothing to people. */
const ours: ReadonlySet<FailureKind> = new Set(['signed-out', 'changed-elsewhere', 'not-found', 'gone', 'server']);

/** The sentence for a failure: the server's own where it gave one, else ours. */
export function useFailureText(): (thrown: unknown) => string {
  const { t } = useI18n();
  return (thrown) => {
    const failure = asFailure(thrown);
    return (!ours.has(failure.kind) ? failure.explanation : undefined) ?? t(`failure.${failure.kind}`);
  };
}
