/** The single keys of the lists, and what `work.keys` calls them: one table for the sheet and the help page. */
export const listKeys = [
  { key: 'j', name: 'down' },
  { key: 'k', name: 'up' },
  { key: 'Enter', name: 'act' },
  { key: 'o', name: 'open' },
  { key: 'x', name: 'choose' },
  { key: '/', name: 'search' },
  { key: 'n', name: 'next' },
  { key: 'p', name: 'previous' },
  { key: '?', name: 'sheet' },
] as const;
