/** Numbers of issued reports. */
export interface ReportNumbers {
  /** The next number of a year, from 1: never given twice. Inside a transaction it is given back if that rolls back. */
  next(year: number): Promise<number>;
}
