import type { Surroundings } from '../world.ts';

/** With the zone's name: a time without it means nothing to whoever reads it elsewhere. */
export function localTime({ settings }: Pick<Surroundings, 'settings'>, at: Date): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: settings.timeZone,
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at);
}
