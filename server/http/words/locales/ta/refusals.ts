import accounts from './refusals-of-accounts.json' with { type: 'json' };

export default { ...accounts };
