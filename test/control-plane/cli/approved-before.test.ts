/** What a key last approved, as this machine remembers it. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ApprovedBefore } from '../../../control-plane/cli/approved-before.ts';
import { type ApprovalRecord, approvalRecordOf } from '../../../control-plane/cli/decision-text/approval-record.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { decisionOf, GAP, ledgerOf } from '../../support/decision-fixture.ts';
import { NOW_MS } from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const KEY = sha256('a key');
const OTHER_KEY = sha256('another key');
const RECORD = approvalRecordOf(
  decisionOf([ledgerOf('contabo', { results: { dry: GAP } })], { bare: ['vps-3'] }),
  NOW_MS,
);

describe('control-plane/cli/approved-before', () => {
  let folder: string;
  let memory: ApprovedBefore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-approved-'));
    memory = new ApprovedBefore({ folder });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const app = RECORD.app;
  const file = () => join(folder, 'approved-before', `${app}.${KEY}.json`);
  const last = (keyId = KEY) => memory.last({ app, keyId });

  it('remembers the last approval by application and key, across programs', () => {
    expect(last()).to.equal(undefined);
    memory.remember(KEY, RECORD);
    const later: ApprovalRecord = { ...RECORD, version: '0.7', approvedAtMs: NOW_MS + 1 };
    const ofOther: ApprovalRecord = { ...RECORD, app: 'other' };
    for (const record of [later, ofOther]) memory.remember(KEY, record);
    memory.remember(OTHER_KEY, RECORD);
    const another = new ApprovedBefore({ folder });
    expect(another.last({ app, keyId: KEY })).to.deep.equal(later);
    expect(another.last({ app: 'other', keyId: KEY })).to.deep.equal(ofOther);
    expect(another.last({ app, keyId: OTHER_KEY })).to.deep.equal(RECORD);
    expect(another.last({ app: 'other', keyId: OTHER_KEY })).to.equal(undefined);
  });

  it('writes files that their owner alone reads, and nothing beside them', () => {
    memory.remember(KEY, RECORD);
    const modes = [join(folder, 'approved-before'), file()].map((path) => statSync(path).mode & 0o777);
    expect(modes).to.deep.equal([0o700, 0o600]);
    expect(readdirSync(join(folder, 'approved-before'))).to.deep.equal([`${app}.${KEY}.json`]);
  });

  const BROKEN: Readonly<Record<string, string>> = {
    'is empty': '',
    'is cut off': JSON.stringify(RECORD).slice(0, -1),
    'is of another version of this program': JSON.stringify({ ...RECORD, schema: 'keyturn.approval-record/v2' }),
    'has a member that nobody knows': JSON.stringify({ ...RECORD, more: 1 }),
    'lacks a member': JSON.stringify({ ...RECORD, leaseMs: undefined }),
    'has a digest that is none': JSON.stringify({ ...RECORD, treeDigest: 'x' }),
  };
  for (const [name, text] of Object.entries(BROKEN)) {
    it(`says that a file ${name}, and takes the next approval nevertheless`, () => {
      memory.remember(KEY, RECORD);
      writeFileSync(file(), text);
      expect(codeThrownBy(() => last())).to.equal('approval-record-malformed');
      memory.remember(KEY, RECORD);
      expect(last()).to.deep.equal(RECORD);
    });
  }

  it('does not read a file that is larger than it ever writes', () => {
    memory.remember(KEY, RECORD);
    truncateSync(file(), LIMITS.approvalRecordBytes + 1);
    expect(codeThrownBy(() => last())).to.equal('approval-record-malformed');
  });

  it('remembers how many hosts there were where they are too many to be remembered', () => {
    const subGaps = ['x'.repeat(LIMITS.approvalRecordBytes / 8)];
    const hosts = Array.from({ length: 8 }, (_, index) => ({ host: `h${index}`, head: KEY, epoch: 0, subGaps }));
    memory.remember(KEY, { ...RECORD, hosts, hostCount: 8 });
    const { hosts: _hosts, ...rest } = RECORD;
    expect(last()).to.deep.equal({ ...rest, hostCount: 8 });
    memory.remember(KEY, { ...RECORD, hosts: hosts.slice(1), hostCount: 7 });
    expect(last()?.hosts).to.have.length(7);
  });

  it('forgets the oldest when there are too many, and never the one that it just wrote', () => {
    memory.remember(KEY, RECORD);
    const others = Array.from({ length: LIMITS.approvalRecordCount }, (_, index) => `app-${index}`);
    for (const [index, name] of others.entries()) {
      const path = join(folder, 'approved-before', `${name}.${KEY}.json`);
      writeFileSync(path, JSON.stringify({ ...RECORD, app: name }));
      // In the future, so that what is written next is the oldest by its clock.
      utimesSync(path, new Date(), new Date(Date.now() + (1_000 + index) * 1_000));
    }
    memory.remember(OTHER_KEY, RECORD);
    const names = readdirSync(join(folder, 'approved-before'));
    expect(names).to.have.length(LIMITS.approvalRecordCount);
    expect(last(OTHER_KEY)).to.deep.equal(RECORD);
    expect(last()).to.equal(undefined);
    expect(memory.last({ app: 'app-0', keyId: KEY })).to.equal(undefined);
    expect(memory.last({ app: 'app-1', keyId: KEY })?.app).to.equal('app-1');
  });
});
