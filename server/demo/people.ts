import type { DemoAccount } from '../smart/face.ts';
import type { Role } from '../core/principal.ts';

/** Published on purpose: demo mode listens on this machine only and holds invented people. */
export const demoPassword = 'csss-demo-2026';

export interface DemoPerson {
  role: Role;
  email: string;
  given: string;
  family: string;
  prefix?: string;
}

export const demoPeople: readonly DemoPerson[] = [
  { role: 'patient', email: 'patient@demo.csss.example', given: 'Arjun', family: 'Rao' },
  { role: 'doctor', email: 'doctor@demo.csss.example', given: 'Meera', family: 'Iyer', prefix: 'Dr.' },
  { role: 'pharmacist', email: 'pharmacist@demo.csss.example', given: 'Lena', family: 'Fischer' },
  { role: 'admin', email: 'admin@demo.csss.example', given: 'Tomas', family: 'Novak' },
];

/** What the sign-in page offers. */
export const demoSignIns: readonly DemoAccount[] = demoPeople.map(({ role, email }) => ({
  label: role,
  email,
  password: demoPassword,
}));
