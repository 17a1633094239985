/** Tamil, section by section as in English. */
import look from './look.json' with { type: 'json' };

export default { look };
