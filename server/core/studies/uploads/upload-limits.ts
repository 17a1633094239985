/** What one upload may cost; from the configuration. */
export interface UploadLimits {
  /** Bytes of a JPEG or PNG. */
  pictureBytes: number;
  /** Pixels of one. */
  picturePixels: number;
  /** Bytes of a DICOM file or an archive. */
  fileBytes: number;
  /** Files in an archive, and bytes of all of them. */
  archiveFiles: number;
  archiveBytes: number;
  /** Files and bytes that one account may have under way. */
  accountFiles: number;
  accountBytes: number;
  /** Parts that nobody goes on with are kept so long. */
  keepHours: number;
}

export const defaultUploadLimits: UploadLimits = {
  pictureBytes: 20 * 2 ** 20,
  picturePixels: 50_000_000,
  fileBytes: 2 * 2 ** 30,
  archiveFiles: 10_000,
  archiveBytes: 8 * 2 ** 30,
  accountFiles: 10_000,
  accountBytes: 10 * 2 ** 30,
  keepHours: 24,
};

/**
 * Bytes that so many uploaded bytes may become, unpacked or decoded: this much whatever they were, and beyond it so many times what
 * they are. Both kinds of packing make a thousand of one: a picture of one colour has fifty million pixels in six kilobytes.
 */
export const mayBecome = (bytes: number): number => Math.max(2 ** 30, bytes * 100);
