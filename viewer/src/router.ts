/** Pages by address. Every page but the public ones needs a signed-in person of the right role. */
import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from 'vue-router';
import type { Role } from './smart/claims.ts';
import type { Group } from './locales/groups.ts';
import { useLook } from './look.ts';
import type { useSession } from './smart/session.ts';

declare module 'vue-router' {
  interface RouteMeta {
    /** Key under `title` of the messages. */
    title: string;
    /** Who may open it; undefined: everybody, also without signing in. */
    roles?: readonly Role[];
    /** Speaks with words of this group too (`locales/groups.ts`). */
    words?: Group;
    /** Uses the whole width and height. */
    wide?: boolean;
  }
}

const everyRole: readonly Role[] = ['patient', 'doctor', 'pharmacist', 'admin'];

export function pageRouter(session: ReturnType<typeof useSession>): Router {
  const router = createRouter({
    history: createWebHistory(),
    // Another tab or filter of the same page is no reason to jump.
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
    routes: [
      { path: '/', component: () => import('./pages/landing-page.vue'), meta: { title: 'landing' } },
      { path: '/signed-in', component: () => import('./pages/signed-in-page.vue'), meta: { title: 'signedIn' } },
      {
        path: '/work',
        component: () => import('./pages/not-found-page.vue'),
        meta: { title: 'work', roles: everyRole },
        beforeEnter: () => `/${session.role ?? ''}`,
      },
      {
        path: '/doctor',
        component: () => import('./pages/doctor-page.vue'),
        meta: { title: 'doctor', roles: ['doctor'] },
      },
      {
        path: '/pharmacist',
        component: () => import('./pages/pharmacist-page.vue'),
        meta: { title: 'pharmacist', roles: ['pharmacist'] },
      },
      { path: '/admin', component: () => import('./pages/admin-page.vue'), meta: { title: 'admin', roles: ['admin'] } },
      {
        path: '/models',
        component: () => import('./pages/models-page.vue'),
        meta: { title: 'models', words: 'office', roles: ['admin'] },
      },
      {
        path: '/setup',
        component: () => import('./pages/setup-page.vue'),
        meta: { title: 'setup', words: 'office', roles: ['admin'] },
      },
      {
        path: '/users',
        component: () => import('./pages/users-page.vue'),
        meta: { title: 'users', words: 'office', roles: ['admin'] },
      },
      {
        path: '/templates',
        component: () => import('./pages/templates-page.vue'),
        meta: { title: 'templates', words: 'office', roles: ['admin'] },
      },
      {
        path: '/users/:id',
        component: () => import('./pages/user-page.vue'),
        props: true,
        meta: { title: 'user', words: 'office', roles: ['admin'] },
      },
      {
        path: '/registrations',
        component: () => import('./pages/registrations-page.vue'),
        meta: { title: 'registrations', words: 'office', roles: ['doctor', 'pharmacist', 'admin'] },
      },
      {
        path: '/clients',
        component: () => import('./pages/clients-page.vue'),
        meta: { title: 'clients', words: 'office', roles: ['admin'] },
      },
      {
        path: '/ae-titles',
        component: () => import('./pages/remote-aes-page.vue'),
        meta: { title: 'remoteAes', words: 'office', roles: ['admin'] },
      },
      {
        path: '/clients/new',
        component: () => import('./pages/new-client-page.vue'),
        meta: { title: 'newClient', words: 'office', roles: ['admin'] },
      },
      {
        path: '/clients/:id',
        component: () => import('./pages/client-page.vue'),
        props: true,
        meta: { title: 'client', words: 'office', roles: ['admin'] },
      },
      {
        path: '/studies',
        component: () => import('./pages/studies-page.vue'),
        meta: { title: 'studies', roles: ['doctor', 'pharmacist', 'admin'] },
      },
      {
        path: '/patient',
        component: () => import('./pages/patient-page.vue'),
        meta: { title: 'patient', words: 'patient', roles: ['patient'] },
      },
      {
        path: '/account',
        component: () => import('./pages/account-page.vue'),
        meta: { title: 'account', words: 'office', roles: everyRole },
      },
      {
        path: '/audit',
        component: () => import('./pages/audit-page.vue'),
        meta: { title: 'audit', words: 'office', roles: ['admin'] },
      },
      {
        path: '/system',
        component: () => import('./pages/system-page.vue'),
        meta: { title: 'system', words: 'office', roles: ['admin'] },
      },
      {
        path: '/deliveries',
        component: () => import('./pages/deliveries-page.vue'),
        meta: { title: 'deliveries', words: 'office', roles: ['admin'] },
      },
      {
        path: '/record/:patientId([A-Za-z0-9.-]{1,64})',
        component: () => import('./pages/record-page.vue'),
        props: true,
        meta: { title: 'record', roles: ['doctor'] },
      },
      {
        path: '/study/:imagingStudyId([A-Za-z0-9-]{1,64})',
        component: () => import('./pages/study-page.vue'),
        props: true,
        meta: { title: 'study', roles: everyRole, wide: true },
      },
      {
        path: '/help',
        component: () => import('./pages/help-page.vue'),
        meta: { title: 'help', words: 'office', roles: everyRole },
      },
      {
        path: '/demo/mailbox',
        component: () => import('./pages/demo-mailbox-page.vue'),
        meta: { title: 'mailbox', words: 'office' },
      },
      { path: '/forbidden', component: () => import('./pages/forbidden-page.vue'), meta: { title: 'forbidden' } },
      { path: '/:rest(.*)*', component: () => import('./pages/not-found-page.vue'), meta: { title: 'notFound' } },
    ],
  });
  router.beforeEach(guard);
  return router;

  async function guard(to: RouteLocationNormalized) {
    if (to.path === '/signed-in') return true;
    if (to.meta.words) await useLook().need(to.meta.words);
    await session.resume();
    const { roles } = to.meta;
    if (!roles) return true;
    if (session.state === 'signed-out' || session.state === 'unknown') {
      await session.begin(to.fullPath);
      return false;
    }
    return session.person && roles.includes(session.person.role) ? true : { path: '/forbidden', replace: true };
  }
}
