/** Hindi, section by section as in English. */
import dialogs from './dialogs.json' with { type: 'json' };
import look from './look.json' with { type: 'json' };
import studies from './studies.json' with { type: 'json' };
import work from './work.json' with { type: 'json' };

export default { dialogs, look, studies, work };
