/** Pages of records by their length: a thousand of them may be some kilobytes, or gigabytes. */

/** Characters of JSON that one page may have; one record is given whatever its length. */
export const longestPage = 8 << 20;

/** Where a record stands in its page, and how long those before it are; lengths are known without reading the texts. */
export const place = (inOrder: string): string => `
  row_number() over (${inOrder}) as place, count(*) over () as available,
  sum(octet_length(v.content)) over (${inOrder} rows between unbounded preceding and 1 preceding) as before`;
