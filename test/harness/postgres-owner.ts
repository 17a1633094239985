// A process that uses the embedded PostgreSQL of a folder until it is killed.
import { startEmbeddedPostgres } from '../../server/infrastructure/postgres/embedded.ts';

const { url } = await startEmbeddedPostgres(process.argv[2]!);
process.send!(url);
