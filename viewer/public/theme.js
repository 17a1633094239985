// Before anything is painted: the look and the language that this device remembers. src/theme.ts does the rest.
(function () {
  var root = document.documentElement;
  var theme = (/(?:^|; )csss-theme=(dark|light|system)(?:;|$)/.exec(document.cookie) || [])[1] || 'dark';
  if (theme === 'system') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  root.setAttribute('data-theme', theme);
  document.querySelector('meta[name="color-scheme"]').setAttribute('content', theme);
  var language = (/(?:^|; )csss-language=(en|ta|hi)(?:;|$)/.exec(document.cookie) || [])[1];
  if (language) root.lang = language;
})();
