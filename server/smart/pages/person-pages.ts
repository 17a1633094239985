/** Pages of people who are not signed in: register, forgotten password, links from mails. */
import type { PersonName } from '../../core/accounts/people/person-name.ts';
import { html, type Html } from './html.ts';

interface Form {
  action: string;
  proof: string;
  /** What is wrong, and of which field. */
  fault?: { message: string; field: string | undefined };
}

type Page = { title: string; body: Html; status?: number };

/** What stands at a field that is at fault: it is named, described and gets the focus. */
function state(form: Form, field: string, first = false): Html {
  const wrong = form.fault?.field === field;
  return html`${wrong && html`aria-invalid="true" aria-describedby="error"`}${(wrong || (first && !form.fault)) && html` autofocus`}`;
}

/** Without a field of its own the message itself gets the focus. */
function faultOf({ fault }: Form): Html {
  if (!fault) return html``;
  const alone = fault.field === undefined;
  return html`<p class="error" id="error" role="alert" ${alone && html`tabindex="-1" autofocus`}>${fault.message}</p>`;
}

function titled(form: Form, title: string): string {
  return form.fault ? `Error: ${title}` : title;
}

export function registerPage(
  form: Form & { siteName: string; email?: string; name?: PersonName; birthDate?: string },
): Page {
  return {
    title: titled(form, 'Register'),
    body: html`<h1>Register</h1>
      <p class="quiet">For patients of ${form.siteName}. Staff are invited by an administrator.</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="${form.email ?? ''}" ${state(form, 'email', true)} />
        <label for="given">Given name</label>
        <input id="given" name="given" autocomplete="given-name" required maxlength="100" value="${form.name?.given ?? ''}" ${state(form, 'given')} />
        <label for="family">Family name</label>
        <input id="family" name="family" autocomplete="family-name" required maxlength="100" value="${form.name?.family ?? ''}" ${state(form, 'family')} />
        <label for="birthDate">Date of birth</label>
        <input id="birthDate" name="birthDate" type="date" autocomplete="bday" required min="1890-01-01" value="${form.birthDate ?? ''}" ${state(form, 'birthDate')} />
        <p class="quiet">
          We send a link to this address. Your records of the clinic are connected later, by a code that you get there.
        </p>
        <div class="actions"><button class="main" type="submit">Send the link</button></div>
      </form>
      <p><a href="/">Back to sign in</a></p>`,
  }; // prettier-ignore
}

export function forgottenPage(form: Form & { email?: string }): Page {
  return {
    title: titled(form, 'Forgotten password'),
    body: html`<h1>Forgotten password</h1>
      <p class="quiet">We send a link with which you set a new password.</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${form.email ?? ''}" ${state(form, 'email', true)} />
        <div class="actions"><button class="main" type="submit">Send the link</button></div>
      </form>
      <p><a href="/">Back to sign in</a></p>`,
  }; // prettier-ignore
}

/** The same for every address. */
export function mailSentPage(what: 'register' | 'forgotten'): Page {
  const known =
    what === 'register'
      ? 'If the address has an account already, the mail says so.'
      : 'If the address has no account here, no mail comes.';
  return {
    title: 'Look into your mail',
    body: html`<h1 tabindex="-1" autofocus>Look into your mail</h1>
      <p>We have sent a mail to the address that you gave, with a link and what to do next. ${known}</p>
      <p class="quiet">Nothing there after some minutes? Look into the folder for unwanted mail, or try again.</p>
      <p><a class="button" href="/">Back to sign in</a></p>`,
  };
}

/** A new password; `email` is shown, and lets password managers know whose it is. */
export function newPasswordPage(form: Form & { title: string; intro: string; email: string; button: string }): Page {
  return {
    title: titled(form, form.title),
    body: html`<h1>${form.title}</h1>
      <p class="quiet">${form.intro}</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">E-mail address</label>
        <input id="email" type="email" autocomplete="username" readonly value="${form.email}" />
        <label for="password">New password</label>
        <div class="with-button">
          <input id="password" name="password" type="password" autocomplete="new-password" required maxlength="1024" ${state(form, 'password', true)} />
          <button type="button" data-shows="password" aria-controls="password" aria-pressed="false" aria-label="Show password" hidden>Show</button>
        </div>
        <p class="quiet">At least 15 characters; a few words in a row are easy to remember.</p>
        <div class="actions"><button class="main" type="submit">${form.button}</button></div>
      </form>`,
  }; // prettier-ignore
}

export function confirmAddressPage(form: Form & { email: string }): Page {
  return {
    title: titled(form, 'Confirm your address'),
    body: html`<h1>Confirm your address</h1>
      <p>Your account gets the address <strong>${form.email}</strong>. You sign in with it from then on.</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <div class="actions"><button class="main" type="submit" autofocus>Confirm</button></div>
      </form>`,
  };
}

export function donePage(title: string, text: string): Page {
  return {
    title,
    body: html`<h1 tabindex="-1" autofocus>${title}</h1>
      <p>${text}</p>
      <p><a class="button" href="/">Sign in</a></p>`,
  };
}

/** A link that is unknown, used or over looks the same. */
export function deadLinkPage(again: { href: string; text: string } | undefined): Page {
  return {
    title: 'This link does not work',
    status: 410,
    body: html`<h1 tabindex="-1" autofocus>This link does not work</h1>
      <p>It was used, or it is too old, or it was not copied as a whole. Links work once.</p>
      <div class="actions">
        ${again && html`<a class="button" href="${again.href}">${again.text}</a>`}
        <a class="button" href="/">Sign in</a>
      </div>`,
  };
}

/** What the sign-in page offers to those who cannot sign in. */
export function withoutPassword(registration: 'open' | 'closed'): Html {
  return html`<p class="links">
    <a href="/account/forgotten">Forgotten password?</a>
    ${registration === 'open' && html`<a href="/account/register">Register as a patient</a>`}
  </p>`;
}
