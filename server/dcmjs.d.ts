declare module 'dcmjs' {
  const dcmjs: {
    data: {
      DicomMetaDictionary: {
        denaturalizeDataset(dataset: Record<string, unknown>): Record<string, unknown>;
        /** By `(gggg,eeee)`, upper-case hex. */
        dictionary: Record<string, { vr: string; name: string; version: string } | undefined>;
      };
      DicomDict: new (meta: Record<string, unknown>) => { dict: Record<string, unknown>; write(): ArrayBuffer };
    };
  };
  export default dcmjs;
}
