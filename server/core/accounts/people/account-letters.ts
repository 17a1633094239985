/** What mails about accounts say: plain text, no health data, and no name, because a mail can go astray. */
import type { Letter } from '../../deliveries/post-mail.ts';
import type { Settings } from '../../settings.ts';

type House = Pick<Settings, 'publicUrl' | 'organizationName'>;
type Words = Pick<Letter, 'kind' | 'subject' | 'text' | 'usefulSeconds'>;

const closing = 'Please do not answer this message.';

function letter(kind: Letter['kind'], subject: string, paragraphs: string[], usefulSeconds?: number): Words {
  const text = ['Hello,', ...paragraphs, closing].join('\n\n');
  return { kind, subject, text, ...(usefulSeconds !== undefined && { usefulSeconds }) };
}

function lasting(seconds: number): string {
  const hours = Math.round(seconds / 3600);
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}

export function invitationLetter(
  { publicUrl, organizationName }: House,
  { word, seconds }: { word: string; seconds: number },
): Words {
  return letter(
    'invitation',
    `Your account at ${organizationName}`,
    [
      `${organizationName} has made an account for you. Set your password here:`,
      `${publicUrl}/account/link/${word}`,
      `The link works once, within ${lasting(seconds)}. If you do not expect an account, you need not do anything.`,
    ],
    seconds,
  );
}

export function newFactorLetter(
  { publicUrl, organizationName }: House,
  { word, seconds }: { word: string; seconds: number },
): Words {
  return letter(
    'link',
    'Set up your second factor anew',
    [
      `An administrator of ${organizationName} has taken the second factor off your account. Set up a new one here:`,
      `${publicUrl}/account/link/${word}`,
      `The link works once, within ${lasting(seconds)}. If you have not asked for this, tell your administrator at once.`,
    ],
    seconds,
  );
}

export function registrationLetter(
  { publicUrl, organizationName }: House,
  { word, seconds }: { word: string; seconds: number },
): Words {
  return letter(
    'link',
    `Confirm your e-mail address for ${organizationName}`,
    [
      `somebody, probably you, asked for an account at ${organizationName} with this address. Confirm the address and set your password here:`,
      `${publicUrl}/account/verify/${word}`,
      `The link works once, within ${lasting(seconds)}. If it was not you, you need not do anything: there is no account.`,
    ],
    seconds,
  );
}

export function knownAddressLetter({ publicUrl, organizationName }: House): Words {
  return letter('notice', `You have an account at ${organizationName}`, [
    `somebody, probably you, asked for an account at ${organizationName} with this address. There is one already: sign in at ${publicUrl}.`,
    `If you do not know your password: ${publicUrl}/account/forgotten`,
    'If it was not you, you need not do anything.',
  ]);
}

export function resetLetter(
  { publicUrl, organizationName }: House,
  { word, seconds }: { word: string; seconds: number },
): Words {
  return letter(
    'link',
    `A new password for ${organizationName}`,
    [
      `somebody, probably you, asked for a new password for your account at ${organizationName}. Set it here:`,
      `${publicUrl}/account/reset-password/${word}`,
      `The link works once, within ${lasting(seconds)}. If it was not you, you need not do anything: your password stays as it is.`,
    ],
    seconds,
  );
}

/** For somebody whose account cannot get a new password by mail. */
export function noResetLetter({ organizationName }: House, state: 'invited' | 'disabled'): Words {
  return letter('notice', `Your account at ${organizationName}`, [
    `somebody, probably you, asked for a new password for your account at ${organizationName}.`,
    state === 'invited'
      ? 'You have not taken the account over yet: use the link of your invitation, or ask for a new invitation where you got it.'
      : 'The account is switched off. Ask the administrator, or the clinic.',
  ]);
}

export function passwordChangedLetter({ publicUrl, organizationName }: House): Words {
  return letter('notice', 'Your password was changed', [
    `the password of your account at ${organizationName} was changed, and all other sign-ins were ended.`,
    `If it was not you, set a new one at once at ${publicUrl}/account/forgotten and tell ${organizationName}.`,
  ]);
}

export function roleLetter({ organizationName }: House, role: string): Words {
  return letter('notice', 'Your account has another role', [
    `your account at ${organizationName} has the role ${role} now. Sign in again.`,
  ]);
}

export function newAddressLetter(
  { publicUrl, organizationName }: House,
  { word, seconds }: { word: string; seconds: number },
): Words {
  return letter(
    'link',
    'Confirm your new e-mail address',
    [
      `this shall become the address of an account at ${organizationName}. Confirm it here:`,
      `${publicUrl}/account/verify/${word}`,
      `The link works once, within ${lasting(seconds)}. If you know nothing of it, you need not do anything.`,
    ],
    seconds,
  );
}

export function addressAskedLetter({ organizationName }: House): Words {
  return letter('notice', 'Your account shall have another e-mail address', [
    `another e-mail address was given for your account at ${organizationName}. It counts as soon as it is confirmed there.`,
    'If you know nothing of it, change your password at once and tell your administrator.',
  ]);
}

export function addressChangedLetter({ organizationName }: House): Words {
  return letter('notice', 'Your account has another e-mail address', [
    `your account at ${organizationName} has another e-mail address now; this one is not used any more.`,
    `If you know nothing of it, tell ${organizationName} at once.`,
  ]);
}

export function tiedLetter({ publicUrl, organizationName }: House): Words {
  return letter('notice', `Your records at ${organizationName}`, [
    `your account is connected with your records at ${organizationName} now. You can read them after signing in at ${publicUrl}.`,
    `If you know nothing of it, tell ${organizationName} at once.`,
  ]);
}
