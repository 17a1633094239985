import { useI18n } from 'vue-i18n';

/** Parts of the body come as DICOM terms or their displays ("CHEST", "Chest"); a part that is not known here stays as it came. */
export function useBodyPart(): (part: string | undefined) => string | undefined {
  const { t, te } = useI18n();
  return (part) => {
    const key = `bodyPart.${part?.trim().toUpperCase()}`;
    return part !== undefined && te(key) ? t(key) : part;
  };
}
