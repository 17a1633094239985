/** Parts of the first day that the set-up leads through. */
export type SetupStep = 'organisation' | 'mail' | 'doctors' | 'sender' | 'app';

export interface SiteAddress {
  line: string[];
  city: string;
  postalCode: string;
  country: string;
}

/** What an administrator says of the site. */
export interface SiteWords {
  name: string;
  address: SiteAddress;
  phone?: string;
  /** IANA name. */
  timeZone: string;
  /** BCP 47, the first is the usual one. */
  languages: string[];
}

/** The same as it is kept: a site that nobody has set up has no name. */
export interface Site extends Omit<SiteWords, 'name' | 'timeZone'> {
  name?: string;
  timeZone?: string;
  /** FHIR id of the Organization that is kept in step. */
  organizationId?: string;
  logo: boolean;
  /** Steps of the set-up that somebody chose not to do. */
  skipped: SetupStep[];
}

export interface Logo {
  type: 'image/png' | 'image/jpeg';
  bytes: Uint8Array;
}

/** What can be told from the tables about how far the set-up has come. */
export interface SetupFacts {
  /** Accounts of doctors that can sign in, and those that were invited only. */
  doctors: { active: number; invited: number };
  /** The relay took a test mail. */
  mailTaken: boolean;
  /** Clients that are not ours and not disabled. */
  clients: { grantTypes: string[]; allowedScope?: string }[];
}

export interface SiteStore {
  read(): Promise<Site>;
  /** Whoever changes the site waits here for whoever changes it now. */
  lock(): Promise<Site>;
  save(words: SiteWords, organizationId: string): Promise<void>;
  skip(step: SetupStep): Promise<void>;
  logo(): Promise<Logo | undefined>;
  setLogo(logo: Logo | undefined): Promise<void>;
  facts(): Promise<SetupFacts>;
}
