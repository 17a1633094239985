// Benchmarks against a peer or a floor in the same run: node scripts/run.mjs exec test/bench/run.ts [model shadow store search frame read fhir audit audit-search pause live work dimse]
import { auditSearchBench } from './audit-search.bench.ts';
import { auditBench } from './audit.bench.ts';
import { dimseBench } from './dimse.bench.ts';
import { fhirBench } from './fhir.bench.ts';
import { frameBench } from './frame.bench.ts';
import { liveBench } from './live.bench.ts';
import { readBench } from './read.bench.ts';
import { report } from './measure.ts';
import { modelBench } from './model.bench.ts';
import { pauseBench } from './pause.bench.ts';
import { searchBench } from './search.bench.ts';
import { shadowBench } from './shadow.bench.ts';
import { storeBench } from './store.bench.ts';
import { workBench } from './work.bench.ts';

const benches = {
  model: modelBench,
  shadow: shadowBench,
  store: storeBench,
  search: searchBench,
  frame: frameBench,
  read: readBench,
  fhir: fhirBench,
  audit: auditBench,
  'audit-search': auditSearchBench,
  pause: pauseBench,
  live: liveBench,
  work: workBench,
  dimse: dimseBench,
};
const wanted = process.argv.slice(2);
report('', 'CSSS', 'peer or bound', 'ratio');
for (const [name, bench] of Object.entries(benches)) if (wanted.length === 0 || wanted.includes(name)) await bench();
