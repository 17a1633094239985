// Comfort only: every page works without it.

for (const button of document.querySelectorAll('button[data-shows]')) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener('click', () => {
    const show = field.type === 'password';
    field.type = show ? 'text' : 'password';
    button.textContent = show ? 'Hide' : 'Show';
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
