import type { Role } from '../principal.ts';

/** What answers are about, as their badge says. */
export const categories = ['medical', 'workflow', 'ai', 'auth', 'scan', 'result', 'support', 'admin', 'greeting', 'fallback'] as const; // prettier-ignore
export type Category = (typeof categories)[number];

const everybody: readonly Role[] = ['patient', 'doctor', 'pharmacist', 'admin'];
const staff: readonly Role[] = ['doctor', 'pharmacist', 'admin'];

/** Pages of the application that answers lead to, and whom they are for. */
export const places = {
  scans: { to: '/patient', roles: ['patient'] },
  work: { to: '/work', roles: staff },
  studies: { to: '/studies', roles: staff },
  account: { to: '/account', roles: everybody },
  help: { to: '/help', roles: everybody },
  users: { to: '/users', roles: ['admin'] },
  registrations: { to: '/registrations', roles: staff },
  audit: { to: '/audit', roles: ['admin'] },
  deliveries: { to: '/deliveries', roles: ['admin'] },
  models: { to: '/models', roles: ['admin'] },
  clients: { to: '/clients', roles: ['admin'] },
  setup: { to: '/setup', roles: ['admin'] },
  templates: { to: '/templates', roles: ['admin'] },
  system: { to: '/system', roles: ['admin'] },
} as const satisfies Record<string, { to: string; roles: readonly Role[] }>;
export type Place = keyof typeof places;

interface Topic {
  category: Category;
  /** In the order in which they are offered; those that are not for the asker's role are left out. */
  links: readonly Place[];
}

/**
 * What can be answered. Where two topics are told by equally many words, the earlier one answers; greetings come last,
 * because who says hello and asks something wants the answer.
 */
export const topics = {
  ct: { category: 'medical', links: ['help'] },
  mri: { category: 'medical', links: ['help'] },
  xray: { category: 'medical', links: ['help'] },
  ultrasound: { category: 'medical', links: ['help'] },
  radiation: { category: 'medical', links: ['help'] },
  preparation: { category: 'medical', links: ['help'] },
  pneumonia: { category: 'medical', links: ['help'] },
  conditions: { category: 'medical', links: ['help'] },
  secondFactor: { category: 'admin', links: ['account'] },
  users: { category: 'admin', links: ['users', 'registrations'] },
  audit: { category: 'admin', links: ['audit', 'account'] },
  deliveries: { category: 'admin', links: ['deliveries'] },
  models: { category: 'admin', links: ['models'] },
  templates: { category: 'admin', links: ['templates', 'setup'] },
  health: { category: 'admin', links: ['system', 'deliveries'] },
  system: { category: 'admin', links: ['setup', 'clients'] },
  password: { category: 'auth', links: ['account'] },
  code: { category: 'auth', links: ['account'] },
  lostFactor: { category: 'auth', links: ['account', 'users'] },
  register: { category: 'auth', links: ['registrations'] },
  signIn: { category: 'auth', links: ['account'] },
  confidence: { category: 'ai', links: ['help', 'models'] },
  aiFailure: { category: 'ai', links: ['help', 'work'] },
  ai: { category: 'ai', links: ['help', 'models'] },
  emergencyAccess: { category: 'workflow', links: ['work', 'help'] },
  prescribe: { category: 'workflow', links: ['work', 'help'] },
  approve: { category: 'workflow', links: ['work', 'help'] },
  verify: { category: 'workflow', links: ['work', 'help'] },
  waiting: { category: 'workflow', links: ['scans', 'work'] },
  steps: { category: 'workflow', links: ['scans', 'work', 'help'] },
  shareReport: { category: 'result', links: ['scans'] },
  abnormal: { category: 'result', links: ['scans', 'help'] },
  report: { category: 'result', links: ['scans', 'work'] },
  viewer: { category: 'scan', links: ['scans', 'studies', 'help'] },
  formats: { category: 'scan', links: ['scans', 'help'] },
  upload: { category: 'scan', links: ['scans', 'help'] },
  images: { category: 'scan', links: ['scans', 'studies'] },
  problem: { category: 'support', links: ['help'] },
  feedback: { category: 'support', links: ['help'] },
  keys: { category: 'support', links: ['help'] },
  contact: { category: 'support', links: ['help'] },
  greeting: { category: 'greeting', links: ['scans', 'work', 'help'] },
  thanks: { category: 'greeting', links: [] },
  fallback: { category: 'fallback', links: ['scans', 'work', 'help'] },
} as const satisfies Record<string, Topic>;
export type TopicName = keyof typeof topics;
export const topicNames = Object.keys(topics) as TopicName[];

/**
 * Words by what they weigh: 6 says what is wanted whatever else is named, 4 what it is about, 3 names a thing that
 * questions of all kinds may be about (an X-ray can be uploaded, read and explained), 2 hints at it, 1 helps others.
 */
export type Keywords = Partial<Record<TopicName, Partial<Record<1 | 2 | 3 | 4 | 6, string>>>>;

/**
 * Signs of danger. Each line is one: all its parts must stand near each other, of each part one of the words
 * (`chest|breast`). `crisis` is for people who may harm themselves. A text that asks in `general` ("what is a stroke")
 * tells of no emergency, unless something in it is about a person or `present`.
 */
export interface RedFlags {
  emergency: string;
  crisis: string;
  general: string;
  present: string;
}
