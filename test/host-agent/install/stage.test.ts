import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { deployedBy } from '../../../host-agent/install/deploy-manifest.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { encodeManifest, type Manifest, parseManifest } from '../../../shared/release/manifest.ts';
import { codeOf, errorOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture } from '../../support/install-fixture.ts';

describe('host-agent/install/stage', () => {
  let fixture: InstallFixture;
  beforeEach(() => {
    fixture = installFixture();
  });
  afterEach(() => fixture.remove());

  const tree = () => join(fixture.context.places.staging, 'tree');

  it('builds the signed tree in staging, and nothing is visible', async () => {
    await receive(fixture.context, { source: fixture.source });
    const reading = await stage(fixture.context);
    expect(reading).to.deep.include({ digest: fixture.context.release.statement.treeDigest, fileCount: 7 });
    expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
  });

  it('writes a deploy manifest that people, sha256sum and the agent can read', async () => {
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
    const text = readFileSync(join(tree(), 'DEPLOY-MANIFEST.txt'), 'utf8');
    const { statement } = fixture.context.release;
    for (const line of [
      '# release: app 1.0',
      `# commit: ${statement.commit}`,
      '# run: run-1',
      '# host: devhost-1',
      '# date: 2026-05-21T10:00:00.000Z',
      `# plan digest: ${statement.plan.sha256}`,
      '# link: bin/current -> run',
    ]) {
      expect(text.split('\n')).to.include(line);
    }
    expect(deployedBy(tree())).to.deep.equal({ run: 'run-1', treeDigest: statement.treeDigest });
    const checked = execFileSync('sha256sum', ['-c', 'DEPLOY-MANIFEST.txt'], { cwd: tree(), encoding: 'utf8' });
    expect(checked.trim().split('\n')).to.have.length(7);
  });

  it('begins anew over what an interrupted call left', async () => {
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
    writeFileSync(join(tree(), 'left-over'), '');
    expect((await stage(fixture.context)).digest).to.equal(fixture.context.release.statement.treeDigest);
  });

  it('asks to receive again when content is missing', async () => {
    await receive(fixture.context, { source: fixture.source });
    const [digest = ''] = fixture.blobs.keys();
    rmSync(join(fixture.context.places.staging, 'content', digest));
    expect(await errorOf(stage(fixture.context))).to.be.instanceOf(TransientError);
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
  });

  it('refuses content that was changed behind receive', async () => {
    await receive(fixture.context, { source: fixture.source });
    const [[digest, bytes] = ['', Buffer.alloc(0)]] = fixture.blobs.entries();
    writeFileSync(join(fixture.context.places.staging, 'content', digest), Buffer.alloc(bytes.length, 'z'));
    expect(await codeOf(() => stage(fixture.context))).to.equal('staged-tree-differs');
  });

  it('refuses a content folder that was swapped for a link', async () => {
    await receive(fixture.context, { source: fixture.source });
    const content = join(fixture.context.places.staging, 'content');
    renameSync(content, join(fixture.folder, 'content'));
    execFileSync('ln', ['-s', join(fixture.folder, 'content'), content]);
    expect(await codeOf(() => stage(fixture.context))).to.equal('folder-not-private');
  });

  it('refuses a manifest that the release does not name, and stages nothing', async () => {
    await receive(fixture.context, { source: fixture.source });
    const manifest = { ...fixture.manifest, entries: fixture.manifest.entries.slice(1) };
    expect(await codeOf(() => stage(fixture.with({ manifest })))).to.equal('manifest-differs-from-release');
    expect(await codeOf(() => stage(fixture.with({ manifestDigest: 'f'.repeat(64) })))).to.equal(
      'manifest-differs-from-release',
    );
    expect(fixture.snapshot().some((line) => line.includes('/tree'))).to.equal(false);
  });

  describe('never sees a manifest', () => {
    const FORGED: Readonly<Record<string, readonly [code: string, change: (text: string) => string | Buffer]>> = {
      'with an absolute path': ['path-absolute', (text) => text.replace('"big"', '"/etc/cron.d/x"')],
      'with a path that climbs out': ['path-dot-segment', (text) => text.replace('"big"', '"../../old/x"')],
      'with NUL in a path': ['path-control-character', (text) => text.replace('"big"', '"b\\u0000g"')],
      'with bytes that are no UTF-8': [
        'not-canonical-json',
        (text) => Buffer.from(text.replace('"big"', '"b\xffg"'), 'latin1'),
      ],
      'with half a surrogate pair': ['path-not-unicode', (text) => text.replace('"big"', '"\\ud800"')],
      'with two names that fold to one': ['path-collision', (text) => text.replace('"big"', '"BIN"')],
      'with a name that is a normal form of another': ['path-not-nfc', (text) => text.replace('"big"', '"cafe\u0301"')],
      'with a name of 4,096 bytes': ['path-too-long', (text) => text.replace('"big"', `"${'n'.repeat(4096)}"`)],
      'with a link out of the tree': [
        'symlink-leaves-tree',
        (text) => text.replace('"target":"run"', '"target":"../../x"'),
      ],
      'with a device': ['manifest-malformed', (text) => text.replace('"kind":"symlink"', '"kind":"device"')],
      'with a set-uid bit': ['manifest-malformed', (text) => text.replace('"mode":493', `"mode":${0o4755}`)],
      'with a field that nobody knows': [
        'manifest-malformed',
        (text) => text.replace('"kind":"symlink"', '"kind":"symlink","owner":0'),
      ],
      'with the deploy manifest in it': ['path-reserved', (text) => text.replace('"big"', '"DEPLOY-MANIFEST.txt"')],
      'with a file of more than the limit': [
        'manifest-malformed',
        (text) => text.replace('"size":700000', '"size":99999999999999'),
      ],
    };
    for (const [story, [code, change]] of Object.entries(FORGED)) {
      it(`${story}: ${code}, and if it did, it would write nothing`, async () => {
        const honest = encodeManifest(fixture.manifest).toString('utf8');
        const forged = change(honest);
        expect(forged).to.not.equal(honest);
        expect(await codeOf(() => parseManifest(Buffer.from(forged)))).to.equal(code);
        // A type or size of its own is for the parser alone; the paths are checked again when they are written.
        const smuggled = code.startsWith('manifest-') ? undefined : tryJson(forged);
        if (smuggled)
          expect(await errorOf(stage(fixture.with({ manifest: smuggled })))).to.be.instanceOf(RejectedError);
        expect(fixture.names()).to.deep.equal(['old']);
      });
    }
    it('forged in one of fourteen ways', () => expect(Object.keys(FORGED)).to.have.length(14));
  });
});

function tryJson(forged: string | Buffer): Manifest | undefined {
  return typeof forged === 'string' ? (JSON.parse(forged) as Manifest) : undefined;
}
