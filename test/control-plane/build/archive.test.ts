import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { checksumOf } from '../../../control-plane/build/archive-format.ts';
import { readArchive } from '../../../control-plane/build/archive-reader.ts';
import { archiveChunks } from '../../../control-plane/build/archive-writer.ts';
import { sha256 } from '../../../shared/digest.ts';
import { createManifest, type ManifestEntry } from '../../../shared/release/manifest.ts';

const MODIFIED_AT = 1_704_164_645;

describe('archive', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-archive-'));
    path = join(folder, 'a.tar.gz');
    mkdirSync(join(folder, 'blobs'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, content: string | Buffer, mode: 0o644 | 0o755 = 0o644): ManifestEntry => {
    writeFileSync(join(folder, 'blobs', sha256(content)), content);
    return { kind: 'file', path: name, mode, size: Buffer.byteLength(content), sha256: sha256(content) };
  };
  const link = (name: string, target: string): ManifestEntry => ({ kind: 'symlink', path: name, target });
  const pack = async (entries: readonly ManifestEntry[]): Promise<Buffer> => {
    const manifest = createManifest(entries);
    const contentOf = (entry: { sha256: string }) => [readFileSync(join(folder, 'blobs', entry.sha256))];
    const chunks: Uint8Array[] = [];
    for await (const chunk of archiveChunks({ folder: 'cutter-v0.6', manifest, modifiedAt: MODIFIED_AT, contentOf }))
      chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    writeFileSync(path, bytes);
    return bytes;
  };
  const unpack = async (): Promise<ManifestEntry[]> => {
    const entries: ManifestEntry[] = [];
    for await (const { path: name, kind, mode, size, target, content } of readArchive(path)) {
      const bytes: Buffer[] = [];
      for await (const piece of content) bytes.push(piece);
      if (kind === 'symlink') entries.push({ kind, path: name, target });
      else entries.push({ kind, path: name, mode: mode as 0o644, size, sha256: sha256(Buffer.concat(bytes)) });
    }
    return entries;
  };

  const odd = (): ManifestEntry[] => [
    file('plain.txt', 'plain'),
    file('empty', ''),
    file('run.sh', '#!/bin/sh\n', 0o755),
    file('exactly-one-block', 'x'.repeat(512)),
    file('large.bin', Buffer.alloc(3_000_001, 7)),
    file(`${'d'.repeat(80)}/${'e'.repeat(60)}/short.txt`, 'fits into a prefix'),
    file(`${'long-segment-'.repeat(12)}.txt`, 'needs pax'),
    file('thư-mục/điều-1.txt', 'not ASCII'),
    file('with space and "quote".txt', 'space'),
    link('link', 'plain.txt'),
    link('thư-mục/far', `../${'long-segment-'.repeat(12)}.txt`),
  ];

  it('is read by the tar of the system, which finds what the manifest says', async () => {
    const entries = odd();
    await pack(entries);
    const listed = spawnSync('tar', ['--quoting-style=literal', '-tzf', path], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    expect(listed.stderr).to.equal('');
    const wanted = createManifest(entries).entries.map((entry) => `cutter-v0.6/${entry.path}`);
    expect(listed.stdout.trim().split('\n')).to.deep.equal(wanted);
    const out = join(folder, 'out');
    mkdirSync(out);
    expect(spawnSync('tar', ['-xzf', path, '-C', out]).status).to.equal(0);
    expect(standing(join(out, 'cutter-v0.6'))).to.deep.equal(
      Object.fromEntries(entries.map((entry) => [entry.path, described(entry)])),
    );
  });

  it('is read back by its own reader as what was packed', async () => {
    const entries = odd();
    await pack(entries);
    const prefixed = createManifest(entries).entries.map((entry) => ({ ...entry, path: `cutter-v0.6/${entry.path}` }));
    expect(await unpack()).to.deep.equal(prefixed);
  });

  it("is the same bytes each time, with no owner, no platform and only the commit's time", async () => {
    const [first, second] = [await pack(odd()), await pack(odd())];
    expect(first.equals(second)).to.equal(true);
    expect([...first.subarray(0, 10)]).to.deep.equal([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, first[8], 0xff]);
    const header = gunzipSync(first).subarray(0, 512);
    expect(header.toString('latin1', 108, 124)).to.equal('0000000\x000000000\0');
    expect(Number.parseInt(header.toString('latin1', 136, 147), 8)).to.equal(MODIFIED_AT);
    expect(header.subarray(265, 329).every((byte) => byte === 0)).to.equal(true);
  });

  it('gives back any names and contents', async () => {
    const name = fc.stringMatching(/^[a-zé0-9 ]{1,120}$/).map((text) => `f-${text}`.normalize('NFC').trimEnd());
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { minLength: 1, maxLength: 8 }),
        fc.uint8Array({ maxLength: 2000 }),
        async (names, content) => {
          const entries = names.map((each, index) => file(`${index}/${each}`, Buffer.from(content)));
          await pack(entries);
          expect((await unpack()).map((entry) => entry.path).sort()).to.deep.equal(
            entries.map((entry) => `cutter-v0.6/${entry.path}`).sort(),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  describe('attacked', () => {
    const forgeries: readonly { name: string; forge: (tar: Buffer) => Buffer }[] = [
      { name: 'a name that was changed', forge: (tar) => changed(tar, 3, 0x58) },
      { name: 'a checksum that was changed', forge: (tar) => changed(tar, 150, 0x37) },
      { name: 'a hard link', forge: (tar) => resealed(tar, (header) => header.write('1', 156)) },
      { name: 'a device', forge: (tar) => resealed(tar, (header) => header.write('3', 156)) },
      { name: 'a size that is no number', forge: (tar) => resealed(tar, (header) => header.write('zzz', 124)) },
      { name: 'a size beyond its end', forge: (tar) => resealed(tar, (header) => header.write('00077777777', 124)) },
      { name: 'another format than ustar', forge: (tar) => resealed(tar, (header) => header.write('ustar  \0', 257)) },
      { name: 'an extended header of another kind', forge: (tar) => resealed(tar, (header) => header.write('g', 156)) },
      {
        name: 'an extended header that is no list of records',
        forge: (tar) => resealed(tar, (header) => header.write('x', 156)),
      },
      { name: 'a missing end', forge: (tar) => tar.subarray(0, tar.length - 1024) },
      { name: 'half an end', forge: (tar) => tar.subarray(0, tar.length - 512) },
      { name: 'a second archive behind its end', forge: (tar) => Buffer.concat([tar, tar]) },
    ];

    for (const { name, forge } of forgeries) {
      it(`refuses ${name}`, async () => {
        writeFileSync(path, gzipSync(forge(gunzipSync(await pack([file('a.txt', 'content')])))));
        expect(await codeOf(unpack())).to.equal('archive-malformed');
      });
    }

    it('has twelve forgeries', () => expect(forgeries).to.have.length(12));

    it('refuses bytes that are no gzip, and gzip that is cut', async () => {
      const whole = await pack([file('a.txt', 'content')]);
      for (const bytes of [Buffer.from('no gzip'), whole.subarray(0, whole.length - 9), Buffer.alloc(0)]) {
        writeFileSync(path, bytes);
        expect(await codeOf(unpack())).to.equal('archive-malformed');
      }
    });
  });
});

function described(entry: ManifestEntry): string {
  return entry.kind === 'symlink' ? `-> ${entry.target}` : `${entry.mode.toString(8)} ${entry.sha256}`;
}

function standing(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const stat = lstatSync(join(root, name));
    if (stat.isSymbolicLink()) found[name] = `-> ${readlinkSync(join(root, name))}`;
    else if (stat.isFile())
      found[name] = `${(stat.mode & 0o777).toString(8)} ${sha256(readFileSync(join(root, name)))}`;
  }
  return found;
}

function changed(tar: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(tar);
  copy[at] = byte;
  return copy;
}

/** Changes the first header and makes its checksum right again. */
function resealed(tar: Buffer, change: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(tar);
  const header = copy.subarray(0, 512);
  change(header);
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );
}
