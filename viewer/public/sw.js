/*
 * Keeps the shell of the application (program, style, letters, icons, the page for "no connection") in the browser, and
 * nothing else: no answer of FHIR, DICOMweb or of any other address with data ever comes near the cache. Tells that
 * there is news when no page is open. The build fills in the list of files (viewer/shell-files.ts).
 */
const version = '__VERSION__';
const shell = new Set(/* __SHELL__ */ []);
const cacheName = `csss-shell-${version}`;
const offlinePage = '/offline.html';

/** Addresses that are not even looked at: data, sign-in, and what other programs of the server answer. */
const never =
  /^\/(fhir|dicomweb|portal|oidc|api|live|interaction|smart|account\/|connected-apps|shared|\.well-known|healthz|readyz)/;

async function fill() {
  const cache = await caches.open(cacheName);
  await cache.addAll([...shell].map((path) => new Request(path, { cache: 'no-cache', credentials: 'omit' })));
}

async function dropOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name)));
}

/**
 * What is written goes past this worker, by a rule that the browser follows without waking it. What a page sends while it is
 * being left (a draft, by `keepalive`) is lost where it has to be handed to a worker first: the page is gone before that.
 */
async function pastMe(event) {
  const written = ['POST', 'PUT', 'PATCH', 'DELETE'];
  await event.addRoutes?.(written.map((requestMethod) => ({ condition: { requestMethod }, source: 'network' })));
}

self.addEventListener('install', (event) =>
  event.waitUntil(Promise.all([fill(), pastMe(event).catch(() => undefined)])),
);
self.addEventListener('activate', (event) => event.waitUntil(dropOthers().then(() => self.clients.claim())));

self.addEventListener('message', (event) => {
  if (event.data === 'take-over') void self.skipWaiting();
  // Somebody has signed out: whatever is in any cache of this origin goes, and the shell is fetched anew.
  if (event.data === 'wipe')
    event.waitUntil(
      caches
        .keys()
        .then((names) => Promise.all(names.map((name) => caches.delete(name))))
        .then(fill)
        .catch(() => undefined), // no connection at this moment: the next page that is opened has it filled
    );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin || never.test(url.pathname)) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(async () => (await caches.match(offlinePage)) ?? Response.error()));
  } else if (shell.has(url.pathname) && url.search === '') {
    event.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(request)));
  }
});

self.addEventListener('push', (event) => {
  const fallback = { title: 'CSSS', body: 'There is news in CSSS.' };
  let message = fallback;
  try {
    message = { ...fallback, ...event.data?.json() };
  } catch {
    // Not of ours, or empty: what it says is the same.
  }
  event.waitUntil(
    self.registration.showNotification(String(message.title), {
      body: String(message.body),
      icon: '/icons/icon-192.png',
      badge: '/icons/badge-96.png',
      tag: 'csss-news', // one, however many there are
      renotify: true,
    }),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(
    self.clients
      .matchAll({ type: 'window', includeUncontrolled: true })
      .then(([open]) => (open ? open.focus() : self.clients.openWindow('/work'))),
  );
});
