/** The form of an invitation: what was entered, what is wrong with it, and sending it. */
import type { Patient } from '@medplum/fhirtypes';
import { computed, reactive, ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useConnection } from '../../api/connection.ts';
import { idOf } from '../../api/bundle.ts';
import { mainName } from '../../api/formatting.ts';
import { mayBeAddress } from '../../api/mail-address.ts';
import type { NewUser, User } from '../../api/users.ts';
import { useAct } from '../../pages/use-act.ts';
import { useRefresh } from '../../pages/use-work-list.ts';
import type { Role } from '../../smart/claims.ts';

const empty = { email: '', prefix: '', given: '', family: '', qualification: '', identifier: '', identifierSystem: '' };

export function useInvitation(firstRole: Role = 'doctor') {
  const { t } = useI18n();
  const { users } = useConnection();
  const { busy, refusal, act } = useAct(useRefresh(['users', 'setup']));
  const draft = reactive({ ...empty });
  const role = ref<Role>(firstRole);
  const patient = ref<Patient>();
  const tried = ref(false);

  const missing = (text: string, key: 'email' | 'given' | 'family') =>
    tried.value && text.trim() === '' ? t(`users.invite.required.${key}`) : undefined;
  /** The name of an existing patient is in the record already. */
  const named = computed(() => !(role.value === 'patient' && patient.value));
  const errors = computed(() => ({
    email:
      missing(draft.email, 'email') ??
      (tried.value && !mayBeAddress(draft.email) ? t('users.invite.required.emailForm') : undefined),
    given: named.value ? missing(draft.given, 'given') : undefined,
    family: named.value ? missing(draft.family, 'family') : undefined,
  }));
  const wrong = computed(() => Object.values(errors.value).some((error) => error !== undefined));

  function takeNameOfPatient(): Pick<NewUser, 'given' | 'family'> | undefined {
    const name = mainName(patient.value?.name);
    if (named.value || !name) return undefined;
    return { given: (name.given ?? []).join(' ') || (name.text ?? ''), family: name.family ?? '' };
  }

  function content(): NewUser {
    const of = (text: string) => text.trim();
    const staff = role.value !== 'patient';
    return {
      email: of(draft.email),
      role: role.value,
      given: of(draft.given),
      family: of(draft.family),
      ...takeNameOfPatient(),
      ...(staff && of(draft.prefix) !== '' && { prefix: of(draft.prefix) }),
      ...(staff && of(draft.qualification) !== '' && { qualification: of(draft.qualification) }),
      ...(staff &&
        of(draft.identifier) !== '' && {
          identifier: {
            value: of(draft.identifier),
            ...(of(draft.identifierSystem) !== '' && { system: of(draft.identifierSystem) }),
          },
        }),
      ...(!staff && patient.value?.id && { patient: patient.value.id }),
    };
  }

  /** @returns who was invited; undefined if something is wrong or the server refused: then all that was typed stays. */
  async function send(): Promise<User | undefined> {
    tried.value = true;
    if (wrong.value) return undefined;
    let invited: User | undefined;
    await act(async () => (invited = await users.invite(content())));
    if (invited) clear();
    return invited;
  }

  function clear(): void {
    Object.assign(draft, empty);
    patient.value = undefined;
    tried.value = false;
  }

  return { draft, role, patient, errors, wrong, busy, refusal, named, send };
}

export type Invitation = ReturnType<typeof useInvitation>;
/** Id of the FHIR record behind an account. */
export const recordOf = (user: Pick<User, 'person'>): string | undefined => idOf(user.person);
