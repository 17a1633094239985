/** Registering a system: the form's state and what came of it. All that was typed stays until the server has said yes. */
import { computed, ref } from 'vue';
import type { Client, ClientKind } from '../../api/clients.ts';
import { useConnection } from '../../api/connection.ts';
import { useAct } from '../../pages/use-act.ts';
import { useRefresh } from '../../pages/use-work-list.ts';
import { asKind, emptyDraft, faultsOf, newFactsOf, type DraftFaults } from './client-draft.ts';

export interface Registered {
  client: Client;
  /** Shown once. */
  secret?: string;
}

export function useRegistration(first: ClientKind) {
  const { clients } = useConnection();
  const { busy, refusal, act } = useAct(useRefresh(['clients', 'apps', 'setup']));
  const draft = ref(emptyDraft(first));
  const tried = ref(false);
  const registered = ref<Registered>();
  const faults = computed((): DraftFaults => (tried.value ? faultsOf(draft.value) : {}));
  const wrong = computed(() => Object.keys(faults.value).length > 0);
  const kind = computed({
    get: () => draft.value.kind,
    set: (next: ClientKind) => (draft.value = asKind(draft.value, next)),
  });

  async function send(): Promise<Registered | undefined> {
    tried.value = true;
    if (wrong.value) return undefined;
    if (!(await act(async () => (registered.value = await clients.register(newFactsOf(draft.value))))))
      return undefined;
    draft.value = emptyDraft(first);
    tried.value = false;
    return registered.value;
  }

  return { draft, kind, faults, wrong, busy, refusal, registered, send };
}
