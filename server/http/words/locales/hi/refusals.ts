import accounts from './refusals-of-accounts.json' with { type: 'json' };
import work from './refusals-of-work.json' with { type: 'json' };
import routes from './said-by-routes.json' with { type: 'json' };

export default { ...accounts, ...work, ...routes };
