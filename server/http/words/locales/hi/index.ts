import account from './account.json' with { type: 'json' };
import scopes from './scopes.json' with { type: 'json' };
import signIn from './sign-in.json' with { type: 'json' };

export default { ...signIn, ...account, ...scopes };
