import type { Config } from '../config.ts';
import type { Settings } from '../core/settings.ts';
import type { Logger } from '../log.ts';
import type { LiveSite } from './site.ts';

/** What every part is started with. */
export interface Start {
  config: Config;
  settings: Settings;
  log: Logger;
  /** Called with what takes a while ("creating the database cluster"). */
  onProgress: (step: string) => void;
  /** Ends what was started, last first; each part adds what it starts. */
  closing: (() => Promise<unknown>)[];
}

/** The part of the configuration that clinical rules depend on. */
export function settingsFrom(config: Config, publicUrl: string, site: Pick<LiveSite, 'kept' | 'timeZone'>): Settings {
  const unnamed = config.mode === 'demo' ? 'CSSS Demo Hospital' : 'Unnamed hospital';
  return {
    publicUrl,
    fhirBaseUrl: `${publicUrl}/fhir`,
    dicomwebBaseUrl: `${publicUrl}/dicomweb`,
    confidenceThreshold: config.confidenceThreshold,
    analyzeOnArrival: config.analyzeOnArrival,
    studyQuietSeconds: config.studyQuietSeconds,
    studyQuietSecondsOf: config.studyQuietSecondsOf,
    aiMostImages: config.aiMostImages,
    aiOrdersWorkList: config.aiOrdersWorkList,
    timeZone: site.timeZone,
    get organizationName() {
      return config.siteName ?? site.kept().name ?? unnamed;
    },
    get organizationId() {
      return site.kept().organizationId;
    },
    fourEyes: config.fourEyes,
    correctedResends: config.correctedResends,
    trustedSenders: config.trustedSenders,
    demo: config.mode === 'demo',
    removal: config.removal,
    reportMail: config.reportMail,
    deliveryRetentionDays: config.deliveryRetentionDays,
    registration: config.registration,
  };
}
