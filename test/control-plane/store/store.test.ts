/** One suite for every database that the store runs on; each test has a fresh one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Kysely } from 'kysely';

import {
  addCertificate,
  findCertificate,
  forgetExpiredHostCertificates,
  lastHostExpiry,
  revokeCertificate,
  revokeHostCertificates,
} from '../../../control-plane/store/certificates.ts';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import {
  appendDirective,
  directivesAfter,
  lastDirectiveSeq,
  recordOutcome,
} from '../../../control-plane/store/directives.ts';
import {
  addHost,
  admittedHost,
  findHost,
  ledgerKeyOf,
  listHosts,
  recordSighting,
  registerHost,
  revokeHost,
} from '../../../control-plane/store/hosts.ts';
import { inboxPosition, moveInboxPosition } from '../../../control-plane/store/inbox-positions.ts';
import { addJoinToken, findJoinToken, takeJoinToken } from '../../../control-plane/store/join-tokens.ts';
import {
  addLedgerEntry,
  findLedgerHead,
  ledgerEntriesFrom,
  setLedgerHead,
} from '../../../control-plane/store/ledger-entries.ts';
import { migrate, schemaVersion } from '../../../control-plane/store/migrations.ts';
import { publishedVersions, replacePublishedVersions } from '../../../control-plane/store/publications.ts';
import { findReport, replaceReport } from '../../../control-plane/store/report-documents.ts';
import {
  addRun,
  advanceRun,
  findInstallingRun,
  findRun,
  listRuns,
  setRefusal,
} from '../../../control-plane/store/runs.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { addTargets, findTarget } from '../../../control-plane/store/targets.ts';
import { sha256 } from '../../../shared/digest.ts';
import { codeOf } from '../../support/rejection-of.ts';

interface TestedDatabase {
  readonly name: 'sqlite' | 'postgresql';
  open(folder: string): Promise<Store>;
}

const DATABASES: readonly TestedDatabase[] = [
  { name: 'sqlite', open: (folder) => openSqliteStore(join(folder, 'store.sqlite')) },
];

const WEB = { host: 'web-1', incarnation: 1 };

for (const { name, open } of DATABASES) {
  describe(`control-plane/store on ${name}`, () => {
    let folder: string;
    let store: Store;
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'keyturn-store-'));
      store = await open(folder);
      await addHost(store, 'web-1', 1);
    });
    afterEach(async () => {
      await store.destroy();
      rmSync(folder, { recursive: true });
    });

    const run = (id: string) => ({
      id,
      ...WEB,
      app: 'demo',
      version: '1.0',
      target_path: 'demo/1.0.json',
      statement_sha256: 'a',
      created_at: 1,
    });
    const directive = () =>
      ({ ...WEB, run_id: 'run', kind: 'deploy', bytes: Buffer.from([0, 255]), created_at: 1 }) as const;

    it('is migrated once, and opening it again changes nothing', async () => {
      const untyped = store as unknown as Kysely<unknown>;
      expect(await schemaVersion(untyped)).to.equal(5);
      await migrate(untyped, { name });
      expect(await schemaVersion(untyped)).to.equal(5);
      await store.destroy();
      store = await open(folder);
      expect((await listHosts(store)).map((host) => host.name)).to.deep.equal(['web-1']);
    });

    it('forgets the certificates of a host that have expired, and nobody else is', async () => {
      for (const [serial, kind, subject, expires] of [
        ['A', 'host', 'web-1', 5],
        ['B', 'host', 'web-1', 9],
        ['C', 'host', 'web-2', 5],
        ['D', 'operator', 'web-1', 5],
      ] as const)
        await addCertificate(store, { serial, kind, subject, issued_at: 1, expires_at: expires });
      await forgetExpiredHostCertificates(store, 'web-1', 5);
      const left = await store.selectFrom('certificates').select('serial').orderBy('serial').execute();
      expect(left.map(({ serial }) => serial)).to.deep.equal(['B', 'C', 'D']);
    });

    it('survives a writer that dies in the middle of a transaction: all of it or nothing', async () => {
      const failing = store.transaction().execute(async (transaction) => {
        await addRun(transaction, run('run-1'));
        throw new RangeError('as if the process had died');
      });
      await failing.catch((error: unknown) => expect(error).to.be.instanceOf(RangeError));
      expect(await findRun(store, 'run-1')).to.equal(undefined);
    });

    it('gives a token to one of many takers', async () => {
      await addJoinToken(store, { sha256: 'd', host: 'web-1', created_at: 1, expires_at: 2 });
      const taken = await Promise.all(Array.from({ length: 10 }, () => takeJoinToken(store, 'd', 5)));
      expect(taken.filter(Boolean)).to.have.length(1);
      expect((await findJoinToken(store, 'd'))?.used_at).to.equal(5);
      expect(await takeJoinToken(store, 'unknown', 5)).to.equal(false);
    });

    it('knows a host that was added, joined, revoked', async () => {
      expect(await codeOf(admittedHost(store, 'web-9'))).to.equal('host-unknown');
      expect(await codeOf(admittedHost(store, 'web-1'))).to.equal('host-not-enrolled');
      await registerHost(store, { name: 'web-1', key: 'first key', now: 2 });
      expect(await admittedHost(store, 'web-1')).to.include({ incarnation: 1, ledger_public_key: 'first key' });
      expect(await revokeHost(store, 'web-1', 3)).to.equal(true);
      expect(await codeOf(admittedHost(store, 'web-1'))).to.equal('host-revoked');
      expect(await revokeHost(store, 'web-9', 3)).to.equal(false);
    });

    it('begins a new incarnation with a new ledger key, and keeps the old key', async () => {
      for (const key of ['first key', 'first key', 'second key'])
        await registerHost(store, { name: 'web-1', key, now: 2 });
      expect(await findHost(store, 'web-1')).to.include({
        incarnation: 2,
        ledger_public_key: 'second key',
        revoked_at: null,
      });
      expect((await ledgerKeyOf(store, 'web-1', 1))?.ledger_public_key).to.equal('first key');
    });

    it('remembers when a host was last heard, and its clock only when it said so', async () => {
      await recordSighting(store, 'web-1', { lastSeenAt: 7, clockAt: 6, agentVersion: '1' });
      await recordSighting(store, 'web-1', { lastSeenAt: 9, clockAt: undefined, agentVersion: '2' });
      expect(await findHost(store, 'web-1')).to.include({ last_seen_at: 9, clock_at: 6, agent_version: '2' });
    });

    it('numbers directives from 1 for each life of each host, and gives them back byte by byte', async () => {
      for (let expected = 1; expected <= 3; expected += 1)
        expect(await appendDirective(store, directive())).to.equal(expected);
      expect(await appendDirective(store, { ...directive(), incarnation: 2 })).to.equal(1);
      expect(await lastDirectiveSeq(store, WEB)).to.equal(3);
      const rows = await directivesAfter(store, WEB, { seq: 1, limit: 10 });
      expect(rows.map(({ seq, bytes }) => [seq, bytes.toString('hex')])).to.deep.equal([
        [2, '00ff'],
        [3, '00ff'],
      ]);
    });

    it('keeps the first outcome of a directive', async () => {
      await appendDirective(store, directive());
      expect((await recordOutcome(store, WEB, { seq: 1, outcome: 'accepted' }))?.outcome).to.equal('accepted');
      expect((await recordOutcome(store, WEB, { seq: 1, outcome: 'a-refusal' }))?.outcome).to.equal('accepted');
      expect(await recordOutcome(store, WEB, { seq: 9, outcome: 'accepted' })).to.equal(undefined);
    });

    it('moves an inbox position on', async () => {
      expect(await inboxPosition(store, WEB)).to.equal(0);
      for (const position of [1, 2_000_000_000_000]) await moveInboxPosition(store, WEB, position);
      expect(await inboxPosition(store, WEB)).to.equal(2_000_000_000_000);
    });

    it('never overwrites a ledger entry', async () => {
      await addRun(store, run('run-1'));
      await addLedgerEntry(store, { run_id: 'run-1', seq: 0, digest: 'a', bytes: Buffer.from('first') });
      const again = addLedgerEntry(store, { run_id: 'run-1', seq: 0, digest: 'b', bytes: Buffer.from('second') });
      expect(
        await again.then(
          () => 'stored',
          () => 'refused',
        ),
      ).to.equal('refused');
      const orphan = addLedgerEntry(store, { run_id: 'run-9', seq: 0, digest: 'b', bytes: Buffer.from('orphan') });
      expect(
        await orphan.then(
          () => 'stored',
          () => 'refused',
        ),
      ).to.equal('refused');
      expect(
        (await ledgerEntriesFrom(store, 'run-1', { fromSeq: 0, limit: 9 })).map(({ digest }) => digest),
      ).to.deep.equal(['a']);
    });

    it('keeps the newest head of a ledger', async () => {
      await addRun(store, run('run-1'));
      for (const size of [1, 2]) await setLedgerHead(store, { run_id: 'run-1', size, envelope: Buffer.from([size]) });
      expect(await findLedgerHead(store, 'run-1')).to.deep.equal({
        run_id: 'run-1',
        size: 2,
        envelope: Buffer.from([2]),
      });
    });

    it('lists runs newest first, and finds the one that installed a release', async () => {
      for (const id of ['run-1', 'run-2', 'run-3']) await addRun(store, run(id));
      await advanceRun(store, 'run-1', { entryCount: 4, phase: 'proven' });
      await advanceRun(store, 'run-2', { entryCount: 1, phase: undefined });
      await setRefusal(store, 'run-3', 'target-unknown');
      const rows = await listRuns(store, { host: 'web-1', limit: 2 });
      expect(rows.map(({ id, phase, refusal_code }) => [id, phase, refusal_code])).to.deep.equal([
        ['run-3', 'queued', 'target-unknown'],
        ['run-2', 'queued', null],
      ]);
      expect(await listRuns(store, { host: 'web-2', limit: 2 })).to.deep.equal([]);
      expect((await findInstallingRun(store, { host: 'web-1', app: 'demo', version: '1.0' }))?.id).to.equal('run-2');
    });

    it('lets one of two publishers through who start from the same versions', async () => {
      const first = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };
      const starts = await Promise.all([
        replacePublishedVersions(store, undefined, first),
        replacePublishedVersions(store, undefined, first),
      ]);
      expect(starts.filter(Boolean)).to.have.length(1);
      const second = { ...first, timestamp: 2, snapshot: 2 };
      const third = { ...first, timestamp: 2, snapshot: 3 };
      const moves = await Promise.all([
        replacePublishedVersions(store, first, second),
        replacePublishedVersions(store, first, third),
      ]);
      expect(moves).to.deep.equal([true, false]);
      expect(await publishedVersions(store)).to.deep.equal(second);
    });

    it('keeps each content of a target under its digest', async () => {
      for (const content of ['old', 'new', 'new'])
        await addTargets(store, new Map([['policy.json', Buffer.from(content)]]), 1);
      expect((await findTarget(store, 'policy.json', sha256('old')))?.toString()).to.equal('old');
      expect((await findTarget(store, 'policy.json', sha256('new')))?.toString()).to.equal('new');
      expect(await findTarget(store, 'other.json', sha256('new'))).to.equal(undefined);
    });

    it('replaces a report as a whole', async () => {
      await addRun(store, run('run-1'));
      await replaceReport(store, 'run-1', [
        { name: 'a.md', content: Buffer.from('a') },
        { name: 'b.md', content: Buffer.from('b') },
      ]);
      await replaceReport(store, 'run-1', [{ name: 'a.md', content: Buffer.from('new') }]);
      expect(
        (await findReport(store, 'run-1')).map(({ name: file, content }) => [file, content.toString()]),
      ).to.deep.equal([['a.md', 'new']]);
    });

    it('revokes certificates one by one, or all of a host', async () => {
      for (const [serial, subject] of [
        ['A', 'web-1'],
        ['B', 'web-1'],
        ['C', 'web-2'],
      ] as const) {
        await addCertificate(store, {
          serial,
          kind: 'host',
          subject,
          issued_at: 1,
          expires_at: serial === 'B' ? 9 : 5,
        });
      }
      expect(await lastHostExpiry(store, 'web-1')).to.equal(9);
      expect(await revokeCertificate(store, 'B', 3)).to.equal(true);
      expect(await revokeCertificate(store, 'B', 4)).to.equal(false);
      expect(await lastHostExpiry(store, 'web-1')).to.equal(5);
      await revokeHostCertificates(store, 'web-1', 6);
      expect(await lastHostExpiry(store, 'web-1')).to.equal(undefined);
      expect((await findCertificate(store, 'B'))?.revoked_at).to.equal(3);
      expect((await findCertificate(store, 'C'))?.revoked_at).to.equal(null);
    });
  });
}
