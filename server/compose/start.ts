import type { Config } from '../config.ts';
import type { Settings } from '../core/settings.ts';
import type { Site } from '../core/site/site-store.ts';
import type { Logger } from '../log.ts';

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

/** The site as this process tells of it. */
export interface LiveSite {
  /** As it was last read. */
  kept(): Site;
  /** The zone of the index, in which this process reads dates without one: it changes with a restart only. */
  timeZone: string;
  /** At once, after a change here. */
  reload(): Promise<void>;
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
    get languages() {
      return site.kept().languages;
    },
    fourEyes: config.fourEyes,
    correctedResends: config.correctedResends,
    trustedSenders: config.trustedSenders,
    demo: config.mode === 'demo',
    removal: config.removal,
    reportMail: config.reportMail,
    deliveryRetentionDays: config.deliveryRetentionDays,
    webPush: config.webPush,
    registration: config.registration,
    secondFactorRoles: config.secondFactorRoles,
    mailCodes: config.mailCodes,
    freshFactorSeconds: 300,
    rememberDeviceDays: config.rememberDeviceDays,
  };
}
