declare module 'dcmjs' {
  const dcmjs: {
    data: {
      DicomMetaDictionary: {
        /** By `(gggg,eeee)`, upper-case hex. */
        dictionary: Record<string, { vr: string; name: string; version: string } | undefined>;
      };
    };
  };
  export default dcmjs;
}
