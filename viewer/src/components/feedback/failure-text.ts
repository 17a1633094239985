import { useI18n } from 'vue-i18n';
import { asFailure, type FailureKind } from '../../api/failure.ts';

/** Where the server's sentence names records and versions, which say nothing to people. */
const ours: ReadonlySet<FailureKind> = new Set(['signed-out', 'changed-elsewhere', 'not-found', 'gone', 'server']);

/** The sentence for a failure: the server's own where it gave one, else ours. */
export function useFailureText(): (thrown: unknown) => string {
  const { t, locale } = useI18n();
  return (thrown) => {
    const failure = asFailure(thrown);
    // A sentence that the server cannot say in the language of the page would stand there as a foreign one.
    const said = !ours.has(failure.kind) && failure.language === locale.value ? failure.explanation : undefined;
    return said ?? t(`failure.${failure.kind}`);
  };
}
