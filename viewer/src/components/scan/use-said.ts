import { useI18n } from 'vue-i18n';
import { reasonsByDisplay } from '../../api/review/vocabulary.ts';

const codes = new Map(reasonsByDisplay);

/** A reason as a record has it: that of a code is said in the language of the page; what a person wrote stays as it is. */
export function useSaid(): (text: string) => string {
  const { t } = useI18n();
  return (text) => {
    const code = codes.get(text.trim());
    return code === undefined ? text : t(`said.${code}`);
  };
}
