import { covers, parseScope, parseScopes } from '../accounts/scopes.ts';
import type { SetupFacts, SetupStep, Site } from './site-store.ts';

export interface StepState {
  id: SetupStep;
  state: 'done' | 'skipped' | 'open';
  /** How it stands, in a few words. */
  detail?: string;
}

/** In the order in which the page leads through them. */
export const setupSteps: readonly SetupStep[] = ['organisation', 'mail', 'doctors', 'sender', 'app'];

/** How far the set-up has come, told from what is there: a step is done when its work is, whoever did it and where. */
export function stepStates(site: Site, facts: SetupFacts, named: boolean): StepState[] {
  const senders = facts.clients.filter(maySend).length;
  const apps = facts.clients.filter(({ grantTypes }) => grantTypes.includes('authorization_code')).length;
  const { active, invited } = facts.doctors;
  const done: Record<SetupStep, [done: boolean, detail: string | undefined]> = {
    organisation: [named, site.logo ? undefined : 'no logo'],
    mail: [facts.mailTaken, undefined],
    doctors: [active > 0, invited > 0 ? `${active} active, ${invited} invited` : `${active} active`],
    sender: [senders > 0, `${senders} registered`],
    app: [apps > 0, `${apps} registered`],
  };
  return setupSteps.map((id) => {
    const [isDone, detail] = done[id];
    const state = isDone ? 'done' : site.skipped.includes(id) ? 'skipped' : 'open';
    return { id, state, ...(detail !== undefined && { detail }) };
  });
}

const storing = parseScope('system/ImagingStudy.c')!;

/** A service that may store images. */
function maySend({ grantTypes, allowedScope }: SetupFacts['clients'][number]): boolean {
  return grantTypes.includes('client_credentials') && parseScopes(allowedScope).some((scope) => covers(scope, storing));
}
