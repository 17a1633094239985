// Comfort only: every page works without it.

for (const button of document.querySelectorAll('button[data-shows]')) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener('click', () => {
    const show = field.type === 'password';
    field.type = show ? 'text' : 'password';
    button.textContent = show ? button.dataset.hide : button.dataset.show;
    button.setAttribute('aria-pressed', String(show));
    field.focus();
  });
}

for (const button of document.querySelectorAll('button[data-email]')) {
  button.addEventListener('click', (event) => {
    event.preventDefault();
    document.getElementById('email').value = button.dataset.email;
    document.getElementById('password').value = button.dataset.password;
    document.getElementById('sign-in').focus();
  });
}

// A password must not stay visible, nor be remembered as text by the browser.
for (const form of document.forms) {
  form.addEventListener('submit', () => {
    for (const field of form.querySelectorAll('input[autocomplete$="-password"]')) field.type = 'password';
  });
}

// A code may be pasted with whatever stands around it.
for (const field of document.querySelectorAll('input[autocomplete="one-time-code"]')) {
  field.addEventListener('paste', (event) => {
    const digits = event.clipboardData.getData('text').replace(/\D/g, '');
    if (digits.length < 6) return;
    event.preventDefault();
    field.value = digits.slice(0, 6);
  });
}

// Seconds until it makes sense to press the button.
for (const button of document.querySelectorAll('button[data-wait]')) {
  const words = button.textContent.trim();
  const until = Date.now() + Number(button.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waits.replace('{seconds}', left) : words;
    if (left > 0) setTimeout(tick, 500);
  };
  tick();
}

for (const button of document.querySelectorAll('button[data-copies]')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).innerText);
    button.textContent = button.dataset.copied;
  });
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replaceAll('=', '');
const withIds = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

/** WebAuthn in the JSON forms of Level 3, which not all browsers make themselves. */
async function askPasskey(kind, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (kind === 'get') {
    publicKey.allowCredentials = withIds(options.allowCredentials);
    const found = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    const response = {
      authenticatorData: text(authenticatorData),
      clientDataJSON: text(clientDataJSON),
      signature: text(signature),
      ...(userHandle && { userHandle: text(userHandle) }),
    };
    return { id: found.id, rawId: found.id, type: found.type, response, clientExtensionResults: {} };
  }
  publicKey.user = { ...options.user, id: bytes(options.user.id) };
  publicKey.excludeCredentials = withIds(options.excludeCredentials);
  const made = await navigator.credentials.create({ publicKey });
  const { attestationObject, clientDataJSON } = made.response;
  const response = {
    attestationObject: text(attestationObject),
    clientDataJSON: text(clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
  };
  return { id: made.id, rawId: made.id, type: made.type, response, clientExtensionResults: {} };
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const fault = form.querySelector('[data-fault]');
    fault.hidden = true;
    try {
      const answer = await askPasskey(form.dataset.passkey, JSON.parse(form.dataset.options));
      form.elements.response.value = JSON.stringify(answer);
      form.submit();
    } catch (error) {
      fault.textContent = error.name === 'InvalidStateError' ? form.dataset.held : form.dataset.none;
      fault.hidden = false;
      fault.focus();
    }
  });
}
