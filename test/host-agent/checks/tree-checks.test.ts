/** `file`, `flag`, `absent` and `tree`: what stands in an installed tree, seen without following a link. */
import { expect } from 'chai';
import type { Json } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { hashTree } from '../../../shared/store/tree-reader.ts';
import { askOnce, CheckWorld } from './check-world.ts';

interface TreeRow {
  readonly files?: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly status: Status;
  readonly says?: string;
  readonly hides?: string;
}

const flag = { file: 'app.py', pattern: '^ENABLED = (\\w+)', equals: 'False' };
const OUTSIDE = '../iu-cutter/README.md';
const NEIGHBOUR = 'the neighbour\n';

const rows: Record<string, TreeRow> = {
  'a file with its digest, mode and content passes': {
    files: { 'run.sh': '#!/bin/sh\necho ok\n' },
    kind: 'file',
    params: { path: 'run.sh', sha256: sha256('#!/bin/sh\necho ok\n'), mode: '0755', contains: 'echo ok' },
    status: 'PASS',
  },
  'a file with other content fails': {
    kind: 'file',
    params: { path: 'README.md', contains: 'live' },
    status: 'FAIL',
    says: '"contains":false',
  },
  'a literal text that lies across two pieces of a large file is found': {
    files: { 'large.txt': `${'x'.repeat(256 * 1024 - 3)}needle${'y'.repeat(1000)}` },
    kind: 'file',
    params: { path: 'large.txt', contains: 'needle' },
    status: 'PASS',
  },
  'a missing file fails': {
    kind: 'file',
    params: { path: 'missing.txt' },
    status: 'FAIL',
    says: '"nothing"',
  },
  'a file below a file is nothing': {
    kind: 'file',
    params: { path: 'README.md/x' },
    status: 'FAIL',
    says: '"nothing"',
  },
  'a symbolic link that leads out of the tree is not followed': {
    files: { link: `-> ${OUTSIDE}` },
    kind: 'file',
    params: { path: 'link', sha256: sha256(NEIGHBOUR) },
    status: 'FAIL',
    says: '"symlink"',
    hides: sha256(NEIGHBOUR),
  },
  'a folder that is a symbolic link is not followed': {
    files: { folder: '-> ../iu-cutter' },
    kind: 'file',
    params: { path: 'folder/README.md', contains: 'neighbour' },
    status: 'FAIL',
    says: '"beyond-link"',
    hides: sha256(NEIGHBOUR),
  },
  'a symbolic link inside the tree is not followed either': {
    files: { link: '-> README.md' },
    kind: 'file',
    params: { path: 'link' },
    status: 'FAIL',
    says: '"symlink"',
  },
  'a folder is no file': { files: { 'a/b.txt': 'x' }, kind: 'file', params: { path: 'a' }, status: 'FAIL' },
  'a flag with its value passes, and the evidence says the line': {
    files: { 'app.py': '# a\n# b\n\nENABLED = False\n' },
    kind: 'flag',
    params: flag,
    status: 'PASS',
    says: '"value":"False","line":4',
  },
  'a flag with another value fails': {
    files: { 'app.py': 'ENABLED = True\n' },
    kind: 'flag',
    params: flag,
    status: 'FAIL',
    says: '"value":"True"',
  },
  'a flag that a later line turns on fails': {
    files: { 'app.py': 'ENABLED = False\n\nENABLED = True\n' },
    kind: 'flag',
    params: flag,
    status: 'FAIL',
    says: '"value":"True","line":3',
  },
  'a flag whose file is missing fails': { kind: 'flag', params: flag, status: 'FAIL', says: '"nothing"' },
  'a flag that is not declared fails': {
    files: { 'app.py': 'DISABLED = False\n' },
    kind: 'flag',
    params: flag,
    status: 'FAIL',
  },
  'a flag in a file behind a symbolic link fails': {
    files: { 'app.py': '-> real.py', 'real.py': 'ENABLED = False\n' },
    kind: 'flag',
    params: flag,
    status: 'FAIL',
    says: '"symlink"',
  },
  'a flag pattern that would backtrack for years decides nothing': {
    files: { 'app.py': `${'a'.repeat(60)}b\n` },
    kind: 'flag',
    params: { ...flag, pattern: '(a+)+$' },
    status: 'FAIL',
    says: '"undecided"',
  },
  'a flag in a file that is too large to search is blocked': {
    files: { 'app.py': 'x'.repeat(1024 * 1024 + 1) },
    kind: 'flag',
    params: flag,
    status: 'BLOCKED',
    says: 'flag-file-too-large',
  },
  'an absent path of the tree passes': { kind: 'absent', params: { path: '.env' }, status: 'PASS' },
  'a present path of the tree fails': {
    files: { '.env': 'X=1\n' },
    kind: 'absent',
    params: { path: '.env' },
    status: 'FAIL',
  },
  'a link that leads nowhere is not absent': {
    files: { '.env': '-> nowhere' },
    kind: 'absent',
    params: { path: '.env' },
    status: 'FAIL',
    says: '"symlink"',
  },
  'an absent path of the host passes': { kind: 'absent', params: { path: '/etc/cron.d/iu-cutter' }, status: 'PASS' },
  'a present path of the host fails': {
    kind: 'absent',
    params: { path: '/opt/incomex/dot/iu-cutter' },
    status: 'FAIL',
    says: '"folder"',
  },
  'a neighbour that a plan anchors by itself passes': {
    kind: 'anchor',
    params: { paths: ['/opt/incomex/dot/iu-cutter'], reads: 3 },
    status: 'PASS',
  },
  'a neighbour that is not there fails': {
    kind: 'anchor',
    params: { paths: ['/opt/incomex/dot/other'] },
    status: 'FAIL',
    says: '"missing"',
  },
  'a tree with another digest fails': {
    kind: 'tree',
    params: { path: 'iu-cutter', from: 'install-root', equals: 'a'.repeat(64) },
    status: 'FAIL',
  },
  'a tree that is a file fails': {
    kind: 'tree',
    params: { path: 'README.md', equals: 'a'.repeat(64) },
    status: 'FAIL',
    says: '"file"',
  },
  'a tree behind a symbolic link fails': {
    files: { folder: '-> ../iu-cutter' },
    kind: 'tree',
    params: { path: 'folder', equals: 'a'.repeat(64) },
    status: 'FAIL',
    says: '"symlink"',
  },
};

describe('a check of the installed tree', function () {
  this.timeout(10_000);

  it('has 27 rows', () => {
    expect(Object.keys(rows)).to.have.length(27);
  });

  for (const [sentence, { files, kind, params, status, says, hides }] of Object.entries(rows)) {
    it(sentence, async () => {
      const answer = await askOnce({ files }, { kind, params });
      expect(answer.status, answer.text.slice(0, 2000)).to.equal(status);
      expect(answer.isHostUntouched, 'the host is untouched').to.equal(true);
      if (says !== undefined) expect(answer.text).to.include(says);
      if (hides !== undefined) expect(answer.text).not.to.include(hides);
    });
  }

  it('passes on the digest that a neighbour has', async () => {
    await using world = new CheckWorld();
    const { digest } = await hashTree(`${world.installRoot}/iu-cutter`);
    const params = { path: 'iu-cutter', from: 'install-root', equals: digest };
    expect((await world.ask({ kind: 'tree', params })).status).to.equal('PASS');
    world.write('/opt/incomex/dot/iu-cutter/added.txt', 'one byte more');
    expect((await world.ask({ kind: 'tree', params })).status).to.equal('FAIL');
  });
});
