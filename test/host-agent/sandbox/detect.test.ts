import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { detectNoSandbox, detectSandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { requireSandbox } from './sandbox-world.ts';

const LAUNCH_PROGRAMS = ['prlimit', 'setpriv', 'env'];

const HOSTS: readonly { name: string; programs: readonly string[]; bwrap?: string }[] = [
  { name: 'has nothing', programs: [] },
  { name: 'has no bubblewrap', programs: LAUNCH_PROGRAMS },
  { name: 'has no prlimit', programs: ['setpriv', 'env', 'bwrap'] },
  { name: 'has a bubblewrap that is too old', programs: LAUNCH_PROGRAMS, bwrap: 'echo bubblewrap 0.7.9' },
  { name: 'has something else by its name', programs: LAUNCH_PROGRAMS, bwrap: 'echo bubble tea 1.0.0' },
  { name: 'has a bubblewrap that crashes', programs: LAUNCH_PROGRAMS, bwrap: 'exit 1' },
  {
    name: 'has a bubblewrap that may make no namespace',
    programs: LAUNCH_PROGRAMS,
    bwrap: '[ "$1" = --version ] && echo bubblewrap 0.11.0 || { echo No permissions to create namespace >&2; exit 1; }',
  },
  {
    name: 'has a bubblewrap that isolates nothing',
    programs: LAUNCH_PROGRAMS,
    bwrap: '[ "$1" = --version ] && echo bubblewrap 0.11.0 || exec /usr/bin/readlink /proc/self',
  },
];

describe('detectSandbox', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-detect-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds the bubblewrap of this host and its version', async function () {
    await requireSandbox(this);
    expect(await detectSandbox())
      .to.deep.include({ kind: 'bubblewrap' })
      .and.have.property('version')
      .match(/^0\.\d+/);
  });

  it('is tried with at least eight hosts', () => expect(HOSTS).to.have.length.of.at.least(8));
  for (const { name, programs, bwrap } of HOSTS) {
    it(`finds none on a host that ${name}`, async () => {
      for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(folder, program));
      if (bwrap !== undefined) writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\n${bwrap}\n`);
      if (bwrap !== undefined) chmodSync(join(folder, 'bwrap'), 0o755);
      expect(await detectSandbox({ programFolders: [folder] })).to.equal(undefined);
    });
  }

  it('finds what an unconfined run needs, or nothing', () => {
    expect(detectNoSandbox({ programFolders: [folder] })).to.equal(undefined);
    for (const program of LAUNCH_PROGRAMS) symlinkSync(`/usr/bin/${program}`, join(folder, program));
    expect(detectNoSandbox({ programFolders: [folder] })?.programs.env).to.equal(join(folder, 'env'));
  });
});
