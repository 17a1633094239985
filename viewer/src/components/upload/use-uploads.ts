/** Everything that one dialog uploads: its files, how far each is, and what became of it. Nothing of it outlives the page. */
import { computed, onBeforeUnmount, onMounted, reactive, ref, watch } from 'vue';
import { useConnection } from '../../api/connection.ts';
import { asFailure, type RequestFailure } from '../../api/failure.ts';
import type { StoreRequest, Transfer, UploadLimits, UploadOutcome, UploadType } from '../../api/uploads.ts';
import { useSession } from '../../smart/session.ts';
import { isPicture, judge, type Chosen } from './chosen-files.ts';

export type FileState =
  | 'chosen'
  | 'waiting' // for its turn
  | 'sending'
  | 'resting' // the line is gone, or somebody said so
  | 'sent'
  | 'ended'; // with an outcome, or refused

export interface FileInHand {
  key: number;
  file: File;
  type: UploadType | undefined;
  state: FileState;
  sent: number;
  /** Of the upload, when all of it is there. */
  upload?: string;
  /** Why it was not taken. */
  why?: string;
  outcome?: UploadOutcome;
  /** What is shown of it before it goes. */
  preview?: string;
}

export type Facts = Omit<StoreRequest, 'files' | 'examination'>;

/** Transfers at a time: more share one line, and each is slower. */
const atOnce = 3;

export function useUploads(limits: () => UploadLimits | undefined) {
  const { uploads } = useConnection();
  const session = useSession();
  const files = reactive<FileInHand[]>([]);
  const transfers = new Map<number, Transfer>();
  /** How many files of folders were none that can be uploaded. */
  const leftOut = ref(0);
  const paused = ref(false);
  const storing = ref(false);
  /** Of the last try to store. */
  const failure = ref<RequestFailure>();
  const examination = crypto.randomUUID();
  let serial = 0;
  let facts: Facts = {};

  const open = computed(() => files.filter(({ state }) => state !== 'ended'));
  const underWay = computed(() => open.value.some(({ state }) => state !== 'chosen'));
  const ended = computed(() => files.length > 0 && open.value.length === 0);
  const total = computed(() => open.value.reduce((sum, { file }) => sum + file.size, 0));
  const sent = computed(() => open.value.reduce((sum, one) => sum + one.sent, 0));
  /** Whole percent; 100 is for what is stored, so it is not reached before. */
  const percent = computed(() => (total.value === 0 ? 0 : Math.min(99, Math.floor((sent.value / total.value) * 100))));
  const hasPictures = computed(() => open.value.some(({ type }) => isPicture(type)));

  async function add(chosen: Chosen): Promise<void> {
    const known = limits();
    if (!known) return;
    const judged = await judge(chosen, known);
    leftOut.value += judged.leftOut;
    for (const { file, type, why } of judged.files) {
      if (files.some((one) => isSame(one.file, file))) continue;
      const preview = isPicture(type) && !why ? { preview: URL.createObjectURL(file) } : {};
      files.push({
        key: ++serial,
        file,
        type,
        state: why ? 'ended' : 'chosen',
        sent: 0,
        ...(why && { why }),
        ...preview,
      });
    }
  }

  async function remove(one: FileInHand): Promise<void> {
    files.splice(files.findIndex(({ key }) => key === one.key), 1); // prettier-ignore
    if (one.preview) URL.revokeObjectURL(one.preview);
    await transfers.get(one.key)?.cancel();
    transfers.delete(one.key);
    turn();
  }

  /** Sends all that was chosen, and stores it when all of it is there. */
  function start(said: Facts): void {
    facts = said;
    paused.value = false;
    failure.value = undefined;
    for (const one of files) if (one.state === 'chosen' || one.state === 'resting') one.state = 'waiting';
    if (navigator.onLine) turn();
    else halt();
  }

  function pause(): void {
    paused.value = true;
    halt();
  }

  /** Also when the browser says that the line is gone: a transfer would try on for most of a minute, and sleep when the line is back. */
  function halt(): void {
    for (const one of files) {
      if (one.state === 'sending') transfers.get(one.key)?.pause();
      if (one.state === 'sending' || one.state === 'waiting') one.state = 'resting';
    }
  }

  /** Ends everything that is not stored, and has the server forget it. */
  async function cancel(): Promise<void> {
    const standing = [...transfers.values()];
    files.filter(({ state }) => state !== 'ended').forEach((one) => void remove(one));
    await Promise.all(standing.map((transfer) => transfer.cancel()));
  }

  function turn(): void {
    if (paused.value) return;
    const sending = files.filter(({ state }) => state === 'sending').length;
    const next = files.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, atOnce - sending));
    for (const one of next) {
      one.state = 'sending';
      void send(one);
    }
    if (open.value.length > 0 && open.value.every(({ state }) => state === 'sent')) void store();
  }

  async function send(one: FileInHand): Promise<void> {
    try {
      const transfer = transfers.get(one.key) ?? (await newTransfer(one));
      transfers.set(one.key, transfer);
      if (one.state === 'sending') transfer.start();
    } catch (thrown) {
      rest(one, asFailure(thrown));
    }
  }

  function newTransfer(one: FileInHand): Promise<Transfer> {
    return uploads.transfer(one.file, one.type?.mediaType ?? '', {
      onProgress: (bytes) => (one.sent = bytes),
      onDone(upload) {
        Object.assign(one, { state: 'sent', upload, sent: one.file.size });
        transfers.delete(one.key);
        turn();
      },
      onRest: (thrown) => rest(one, thrown),
    });
  }

  function rest(one: FileInHand, thrown: RequestFailure): void {
    if (thrown.kind === 'signed-out') session.expire();
    const why = refusals.get(thrown.status);
    if (why === undefined) one.state = 'resting';
    else Object.assign(one, { state: 'ended', why });
    turn();
  }

  async function store(confirmed: readonly FileInHand[] = []): Promise<void> {
    if (storing.value) return;
    storing.value = true;
    failure.value = undefined;
    const due = confirmed.length > 0 ? [...confirmed] : files.filter(({ state }) => state === 'sent');
    const size = limits()?.filesAtOnce ?? 1;
    try {
      for (let from = 0; from < due.length; from += size)
        await storeSome(due.slice(from, from + size), confirmed.length > 0);
    } catch (thrown) {
      failure.value = asFailure(thrown);
      if (failure.value.kind === 'signed-out') session.expire();
    } finally {
      storing.value = false;
    }
  }

  async function storeSome(due: readonly FileInHand[], confirmed: boolean): Promise<void> {
    const named = due.map(({ upload = '' }) => ({ upload, ...(confirmed && { confirmed }) }));
    const answer = await uploads.store({ ...facts, examination, files: named });
    for (const [i, outcome] of answer.files.entries())
      Object.assign(due[i]!, { state: 'ended', outcome, why: outcome.why });
  }

  /** A line that is there again, or a session. */
  function goOn(): void {
    if (paused.value || !files.some(({ state }) => state === 'resting' || state === 'sent')) return;
    for (const one of files) if (one.state === 'resting') one.state = 'waiting';
    turn();
  }

  function resume(): void {
    paused.value = false;
    goOn();
  }

  watch(() => session.state, (now, before) => now === 'signed-in' && before === 'expired' && goOn()); // prettier-ignore
  const stay = (event: BeforeUnloadEvent) => underWay.value && event.preventDefault();
  onMounted(() => {
    addEventListener('online', goOn);
    addEventListener('offline', halt);
    addEventListener('beforeunload', stay);
  });
  onBeforeUnmount(() => {
    removeEventListener('online', goOn);
    removeEventListener('offline', halt);
    removeEventListener('beforeunload', stay);
    for (const { preview } of files) if (preview) URL.revokeObjectURL(preview);
    void cancel();
  });

  return {
    files,
    leftOut,
    paused,
    storing,
    failure,
    underWay,
    ended,
    percent,
    sent,
    total,
    hasPictures,
    add,
    remove,
    start,
    pause,
    goOn: resume,
    cancel,
    store,
  };
}

/** What another try does not mend, by status. */
const refusals = new Map([
  [400, 'unreadable'],
  [404, 'not-here'],
  [410, 'not-here'],
  [413, 'too-large'],
  [415, 'type'],
  [507, 'no-room'],
]);

const isSame = (one: File, other: File): boolean =>
  one.name === other.name && one.size === other.size && one.lastModified === other.lastModified && one.webkitRelativePath === other.webkitRelativePath; // prettier-ignore
