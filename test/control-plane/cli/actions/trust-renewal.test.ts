/**
 * Metadata that has run out is renewed by whoever holds its keys, on the machine that holds them; the control plane takes
 * the renewal, and hosts come back by themselves. Everybody else is refused as before.
 */
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { expect } from 'chai';
import { openTimestampKey } from '../../../../control-plane/authority/timestamp-key.ts';
import { publishChange } from '../../../../control-plane/cli/publication.ts';

import { publishedSet } from '../../../../control-plane/operator/published-set.ts';
import { loadTrusted, openTrustDatabase, resetTrusted } from '../../../../host-agent/trust/metadata-store.ts';
import { TrustClient } from '../../../../host-agent/trust/trust-client.ts';
import type { Diagnosis, Examined } from '../../../../shared/service/doctor/examination.ts';
import { generateKey, type SigningKey } from '../../../../shared/trust/keys.ts';
import { memorySource, type TrustSource } from '../../../../shared/trust/source.ts';
import { fileNameOf, releaseRoleOf, versionOf } from '../../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../../shared/trust/tuf-refresh.ts';
import { changeTargets, createSnapshot, createTimestamp, rotateRoot } from '../../../../shared/trust/tuf-repository.ts';
import {
  APP,
  buildBundle,
  type CommandWorld,
  documentOf,
  type Ended,
  failureOf,
  filesBelow,
} from '../../../support/command-line.ts';
import { inDays, OFFLINE_ROLES, type OfflineRole, PAST_DAYS, worldOfThePast } from '../../../support/past-ceremony.ts';
import { codeOf } from '../../../support/rejection-of.ts';

const RELEASE = releaseRoleOf(APP);
const PATH = `${APP}/0.6.json`;

const COMMANDS = {
  'trust rotate root': (world) => world.json('trust', 'rotate', 'root', '--no-passphrase'),
  'trust rotate targets': (world) => world.json('trust', 'rotate', 'targets', '--no-passphrase'),
  'trust rotate snapshot': (world) => world.json('trust', 'rotate', 'snapshot', '--no-passphrase'),
  'policy sign': (world) => world.json('policy', 'sign', '--no-passphrase'),
  'release push': async (world) => world.json('release', 'push', await buildBundle(world.folder, '0.6')),
  'trust show': (world) => world.json('trust', 'show'),
} satisfies Record<string, (world: CommandWorld) => Promise<Ended>>;
type CommandName = keyof typeof COMMANDS;

/** What follows a command: versions published of root, targets, snapshot and the release role; or what must come first. */
type Outcome =
  | { readonly published: string; readonly agent: 'fresh' | 'expired'; readonly told?: readonly string[] }
  | { readonly first: string };

const back = (published: string): Outcome => ({ published, agent: 'fresh' });
const still = (published: string, ...told: string[]): Outcome => ({ published, agent: 'expired', told });
const ROOT_FIRST: Outcome = { first: 'trust rotate root' };

const TABLE: Readonly<Record<string, { expired: readonly OfflineRole[]; after: Record<CommandName, Outcome> }>> = {
  root: {
    expired: ['root'],
    after: {
      'trust rotate root': back('2 1 1 1'),
      'trust rotate targets': back('2 2 2 1'),
      'trust rotate snapshot': back('2 1 2 1'),
      'policy sign': ROOT_FIRST,
      'release push': ROOT_FIRST,
      'trust show': still('1 1 1 1', 'root'),
    },
  },
  targets: {
    expired: ['targets'],
    after: {
      'trust rotate root': still('2 1 1 1', 'targets'),
      'trust rotate targets': back('2 2 2 1'),
      'trust rotate snapshot': still('2 1 2 1', 'targets'),
      'policy sign': back('1 2 2 1'),
      'release push': { first: 'trust rotate targets' },
      'trust show': still('1 1 1 1', 'targets'),
    },
  },
  snapshot: {
    expired: ['snapshot'],
    after: {
      'trust rotate root': still('2 1 1 1', 'snapshot'),
      'trust rotate targets': back('2 2 2 1'),
      'trust rotate snapshot': back('2 1 2 1'),
      'policy sign': back('1 2 2 1'),
      'release push': back('1 1 2 2'),
      'trust show': still('1 1 1 1', 'snapshot'),
    },
  },
  'the list of releases': {
    expired: [RELEASE],
    after: {
      'trust rotate root': still('2 1 1 1'),
      'trust rotate targets': still('2 2 2 1'),
      'trust rotate snapshot': still('2 1 2 1'),
      'policy sign': still('1 2 2 1'),
      'release push': back('1 1 2 2'),
      'trust show': still('1 1 1 1', RELEASE),
    },
  },
  everything: {
    expired: OFFLINE_ROLES,
    after: {
      'trust rotate root': still('2 1 1 1', 'snapshot', 'targets'),
      'trust rotate targets': still('2 2 2 1'),
      'trust rotate snapshot': still('2 1 2 1', 'targets'),
      'policy sign': ROOT_FIRST,
      'release push': ROOT_FIRST,
      'trust show': still('1 1 1 1', RELEASE, 'root', 'snapshot', 'targets'),
    },
  },
};

interface Sets {
  readonly world: CommandWorld;
  /** Before the renewal. */
  readonly old: TrustedMetadata;
  readonly present: TrustedMetadata;
}

interface Replay {
  /** What the control plane shows, once it is in other hands: files by their name in the repository. */
  readonly shows: (sets: Sets) => ReadonlyMap<string, Uint8Array>;
  readonly code: string;
  /** What is trusted afterwards: each step that was passed counts, on the operator's machine and on the host. */
  readonly here: string;
  readonly there: string;
}

const REPLAYS: Readonly<Record<string, Replay>> = {
  'the old set, with its timestamp of then': {
    shows: ({ old }) => filesOf(old),
    code: 'metadata-version-unexpected',
    here: '1 2 2 -',
    there: '1 2 2 1',
  },
  'the old set, under a new timestamp of the stolen online key': {
    shows: ({ world, old, present }) => filesOf(old, stamped(world, present, fileOf(old, 'snapshot'))),
    code: 'metadata-version-unexpected',
    here: '1 2 2 -',
    there: '1 2 2 1',
  },
  'an old list of targets, under a new snapshot of the stolen snapshot key': {
    shows: ({ world, old, present }) => filesOf(...withTargets(world, present, fileOf(old, 'targets'))),
    code: 'metadata-not-trusted',
    here: '1 2 2 -',
    there: '1 2 2 1',
  },
  'targets that somebody else has signed': {
    shows: ({ world, present }) => filesOf(...withTargets(world, present, nextTargets(present, [generateKey()]))),
    code: 'metadata-not-trusted',
    here: '1 2 3 -',
    there: '1 2 3 1',
  },
  'targets that one key of two has signed': {
    shows: ({ world, present }) => {
      const [one] = world.home.loadKeys('targets', undefined);
      return filesOf(...withTargets(world, present, nextTargets(present, one ? [one] : [])));
    },
    code: 'metadata-not-trusted',
    here: '1 2 3 -',
    there: '1 2 3 1',
  },
  'a root that somebody else has signed': {
    shows: ({ present }) => {
      const signing = { expiresAt: inDays(300), signers: [generateKey(), generateKey()] };
      return filesOf(present, new Map([['root.json', rotateRoot(fileOf(present, 'root'), {}, signing)]]));
    },
    code: 'metadata-not-trusted',
    here: '1 2 2 -',
    there: '1 2 2 1',
  },
};

describe('renewing what has run out', function () {
  this.timeout(60_000);
  let world: CommandWorld;
  let agent: Agent;
  let closers: AsyncDisposableStack;
  beforeEach(() => {
    closers = new AsyncDisposableStack();
  });
  afterEach(() => closers.disposeAsync());

  /** An agent that was in touch before anything ran out. */
  async function begin(expired: readonly OfflineRole[]): Promise<void> {
    world = closers.use(await worldOfThePast(expired));
    agent = new Agent(world);
    closers.defer(() => void agent.db.close());
    agent.day = PAST_DAYS;
    expect(await agent.admits()).to.equal('fresh');
    expect(agent.stored()).to.equal('1 1 1 1');
    agent.day = 0;
    expect(await agent.admits()).to.equal(expired.length > 0 ? 'metadata-expired' : 'fresh');
    expect(agent.stored()).to.equal('1 1 1 1');
  }

  it('is tried with each command for each role, thirty times', () => {
    expect(Object.values(TABLE).flatMap(({ after }) => Object.keys(after))).to.have.length(30);
  });

  for (const [role, { expired, after }] of Object.entries(TABLE)) {
    for (const [name, outcome] of Object.entries(after) as [CommandName, Outcome][]) {
      if ('first' in outcome) {
        it(`of ${role}: keyturn ${name} is refused, says what comes first, and changes nothing`, async () => {
          await begin(expired);
          const keys = keysOnDisk(world);
          const ended = await COMMANDS[name](world);
          expect(ended.exitCode, ended.stdout).to.equal(77);
          expect(failureOf(ended).code).to.equal('metadata-expired');
          expect(failureOf(ended).hint).to.equal(`renew it first, where its keys are: keyturn ${outcome.first}`);
          expect([await publishedOf(world), keysOnDisk(world)]).to.deep.equal(['1 1 1 1', keys]);
          expect(await agent.admits()).to.equal('metadata-expired');
          expect(agent.stored()).to.equal('1 1 1 1');
        });
        continue;
      }
      const { published, told = [] } = outcome;
      it(`of ${role}: keyturn ${name} publishes ${published}, and the agent is ${outcome.agent}`, async () => {
        await begin(expired);
        const ended = await COMMANDS[name](world);
        expect(ended.exitCode, ended.stdout).to.equal(0);
        // A push ends with all that it needs in force.
        if (name !== 'release push') expect(documentOf<{ expired: string[] }>(ended).expired).to.deep.equal(told);
        expect(await publishedOf(world)).to.equal(published);
        expect(versionsOf(world.home.loadTrust())).to.match(new RegExp(`^${published.slice(0, 5)}`));
        expect(await agent.admits()).to.equal(outcome.agent === 'fresh' ? 'fresh' : 'metadata-expired');
        expect(agent.stored().split(' ')[0]).to.equal(published.split(' ')[0]);
        if (outcome.agent === 'fresh') expect(agent.stored()).to.equal(published);
      });
    }
  }

  it('is done by typing what doctor names, one after the other, until nothing is in trouble', async () => {
    await begin(OFFLINE_ROLES);
    const typed: string[] = [];
    for (let trouble = await firstTrouble(world); trouble !== undefined; trouble = await firstTrouble(world)) {
      const mend = trouble.mend?.replace(`keyturn --home ${world.home.folder} `, '') ?? '';
      expect(typed, trouble.statement).to.not.include(mend);
      typed.push(mend);
      const bundle = await buildBundle(world.folder, '0.6');
      const words = mend.split(' ').map((word) => (word === 'BUNDLE' ? bundle : word));
      const ended = await world.json(...words, ...(words[0] === 'trust' ? ['--no-passphrase'] : []));
      expect(ended.exitCode, `${mend}: ${ended.stdout}`).to.equal(0);
    }
    expect(typed).to.deep.equal(['trust rotate root', 'trust rotate targets', 'release push BUNDLE']);
    expect(await agent.finds(PATH)).to.equal(true);
    expect(agent.stored()).to.equal(await publishedOf(world));
  });

  it('says in words what is still expired, and how it is renewed', async () => {
    await begin(['targets', 'snapshot']);
    const { stdout } = await world.keyturn('trust', 'rotate', 'root', '--no-passphrase');
    expect(stdout).to.include('targets.json has expired; renew it with: keyturn trust rotate targets\n');
    expect(stdout).to.include('snapshot.json has expired; renew it with: keyturn trust rotate snapshot\n');
    const shown = await world.keyturn('trust', 'show');
    expect(shown.stdout).to.include('targets.json has expired; renew it with: keyturn trust rotate targets\n');
    expect((await world.json('host', 'token', 'web-1', '--out', world.at('x'))).exitCode).to.equal(77);
  });

  it('has six sets that are shown in its place', () => expect(Object.keys(REPLAYS)).to.have.length(6));
  for (const [title, { shows, code, here, there }] of Object.entries(REPLAYS)) {
    it(`takes no renewal from ${title}, neither here nor on the host`, async () => {
      await begin(['targets', 'snapshot']);
      const old = await trustedSet(world);
      expect((await COMMANDS['policy sign'](world)).exitCode).to.equal(0);
      expect(await agent.admits()).to.equal('fresh');
      const source = memorySource(shows({ world, old, present: await trustedSet(world) }));
      const keys = keysOnDisk(world);
      const refused = publishChange({ ...world.publisher('releaser'), source }, neverSigned, { renewing: 'root' });
      expect(await codeOf(refused)).to.equal(code);
      agent.source = source;
      expect(await agent.admits()).to.equal(code);
      expect([versionsOf(world.home.loadTrust()), agent.stored()]).to.deep.equal([here, there]);
      expect([await publishedOf(world), keysOnDisk(world)]).to.deep.equal(['1 2 2 1', keys]);
    });
  }
});

class Agent {
  readonly db: Database;
  source: TrustSource;
  /** From today. */
  day = 0;

  constructor(world: CommandWorld) {
    this.db = openTrustDatabase(world.at('agent.sqlite'));
    resetTrusted(this.db, world.home.loadTrust(), { adoptedAt: inDays(PAST_DAYS) });
    this.source = world.publisher('viewer').source;
  }

  /** As for an admission: the release is looked for. `fresh`, or why it is refused. */
  async admits(): Promise<string> {
    const code = await codeOf(this.#client().findTarget(PATH));
    return code === 'nothing was refused' ? 'fresh' : code;
  }

  async finds(path: string): Promise<boolean> {
    return (await this.#client().findTarget(path)) !== undefined;
  }

  stored(): string {
    return versionsOf(loadTrusted(this.db));
  }

  #client(): TrustClient {
    return new TrustClient({ db: this.db, source: this.source, rules: 'keyturn', now: () => inDays(this.day) });
  }
}

/** Of root, targets, snapshot and the list of releases. */
function versionsOf(trusted: TrustedMetadata): string {
  return OFFLINE_ROLES.map((role) => trusted.get(fileNameOf(role)))
    .map((bytes) => (bytes === undefined ? '-' : versionOf(bytes)))
    .join(' ');
}

async function trustedSet(world: CommandWorld): Promise<TrustedMetadata> {
  const published = await publishedSet(world.service.plane.store);
  if (published === undefined) throw new Error('nothing is published');
  return published.trusted;
}

async function publishedOf(world: CommandWorld): Promise<string> {
  return versionsOf(await trustedSet(world));
}

function keysOnDisk(world: CommandWorld): string[] {
  return filesBelow(join(world.home.folder, 'keys'));
}

async function firstTrouble(world: CommandWorld): Promise<Diagnosis | undefined> {
  const { examinations } = documentOf<{ examinations: Examined[] }>(await world.json('doctor'));
  const trust = examinations.find(({ name }) => name === 'trust');
  return trust?.diagnoses.find(({ level }) => level === 'trouble');
}

function neverSigned(): never {
  throw new Error('something was signed on what is not trusted');
}

function fileOf(trusted: TrustedMetadata, role: string): Uint8Array {
  const bytes = trusted.get(fileNameOf(role));
  if (bytes === undefined) throw new Error(`there is no ${role}`);
  return bytes;
}

/** As a repository serves it; a later set is laid over the one before. */
function filesOf(...sets: readonly TrustedMetadata[]): Map<string, Uint8Array> {
  const named = sets.flatMap((set) => [...set]);
  return new Map(
    named.map(([name, bytes]) => [name === 'timestamp.json' ? name : `${versionOf(bytes)}.${name}`, bytes]),
  );
}

function stamped(world: CommandWorld, present: TrustedMetadata, snapshot: Uint8Array): TrustedMetadata {
  const signing = { expiresAt: inDays(1), key: openTimestampKey(world.home.controlPlane) };
  return new Map([['timestamp.json', createTimestamp(fileOf(present, 'timestamp'), snapshot, signing)]]);
}

/** The present set and what follows it with these targets: the snapshot key and the online key are in the enemy's hands. */
function withTargets(world: CommandWorld, present: TrustedMetadata, targets: Uint8Array): TrustedMetadata[] {
  const signing = { expiresAt: inDays(300), signers: world.home.loadKeys('snapshot', undefined) };
  const snapshot = createSnapshot(fileOf(present, 'snapshot'), new Map([['targets', targets]]), signing);
  const next = new Map<string, Uint8Array>([
    ['targets.json', targets],
    ['snapshot.json', snapshot],
  ]);
  return [present, next, stamped(world, present, snapshot)];
}

function nextTargets(present: TrustedMetadata, signers: readonly SigningKey[]): Uint8Array {
  return changeTargets(fileOf(present, 'targets'), {}, { expiresAt: inDays(300), signers });
}
