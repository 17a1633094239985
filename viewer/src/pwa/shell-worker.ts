/** The service worker: what it is asked to do, and what it says when there is another build. */

/** How often it is looked whether the server has another build. Milliseconds. */
const everyMs = 60 * 60_000;

export interface ShellWorker {
  /** Whatever is in a cache of this origin goes; the shell is fetched anew, without anything of the person before. */
  wipe(): Promise<void>;
}

/**
 * @param onUpdate is called when another build waits; `takeOver` loads it in this page.
 * @returns undefined where the browser has none, or not at this address.
 */
export function shellWorker(onUpdate: (takeOver: () => void) => void): ShellWorker | undefined {
  if (!('serviceWorker' in navigator)) return undefined;
  const { serviceWorker } = navigator;
  const registered = serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => undefined);
  void registered.then((registration) => {
    if (!registration) return;
    watchFor(registration, onUpdate);
    setInterval(() => void registration.update().catch(() => undefined), everyMs);
  });
  return {
    async wipe() {
      const registration = await registered;
      for (const notification of (await registration?.getNotifications()) ?? []) notification.close();
      for (const name of await caches.keys()) await caches.delete(name);
      registration?.active?.postMessage('wipe');
    },
  };
}

function watchFor(registration: ServiceWorkerRegistration, onUpdate: (takeOver: () => void) => void): void {
  const tell = (waiting: ServiceWorker) => {
    // Without one before it there is nothing to update: it is the first visit.
    if (!navigator.serviceWorker.controller) return;
    onUpdate(() => {
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('take-over');
    });
  };
  if (registration.waiting) tell(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const { installing } = registration;
    installing?.addEventListener('statechange', () => installing.state === 'installed' && tell(installing));
  });
}
