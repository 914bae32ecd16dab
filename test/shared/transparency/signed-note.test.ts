/** P9: notes, checkpoints and log proofs in the forms of C2SP, against vectors that other implementations publish. */
import { expect } from 'chai';
import { signCheckpoint, verifyCheckpoint } from '../../../shared/transparency/checkpoint.ts';
import { encodeLogProof, parseLogProof, verifyLogProof } from '../../../shared/transparency/log-proof.ts';
import { MerkleTree } from '../../../shared/transparency/merkle-tree.ts';
import { parseNote, signNote, verifyNote } from '../../../shared/transparency/signed-note.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { encodeVerifierKey, parseVerifierKey } from '../../../shared/trust/verifier-key.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

/** The note of golang.org/x/mod/sumdb/note, whose signature was made there. */
const PUBLISHED = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  line: '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
/** The examples of signed-note.md and tlog-checkpoint.md, whose keys are not published: they parse. */
const EXAMPLES = {
  note: `Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
`,
  checkpoint: `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`,
};

const log = { name: 'keyturn.example/log', key: generateKey() };
const other = { name: 'other.example/log', key: generateKey() };
const TEXT = 'one\n\ntwo\n';
const honest = signNote(TEXT, [log, other]).toString();

describe('shared/transparency/signed-note', () => {
  it('verifies the note that the Go project publishes', () => {
    const key = parseVerifierKey(PUBLISHED.key);
    const bytes = Buffer.from(`${PUBLISHED.text}\n${PUBLISHED.line}`);
    expect(verifyNote(bytes, key)).to.equal(PUBLISHED.text);
    expect(encodeVerifierKey(key)).to.equal(PUBLISHED.key);
  });

  it('reads the examples of the specifications, a text with an empty line among them', () => {
    const { text, signatures } = parseNote(Buffer.from(EXAMPLES.note));
    expect(text.endsWith('raggio di sole:\n\ned è subito sera.\n')).to.equal(true);
    expect(signatures.map(({ name }) => name)).to.deep.equal(['quasimodo.example/salvatore']);
    expect(parseNote(Buffer.from(EXAMPLES.checkpoint)).text.split('\n')[1]).to.equal('20852163');
  });

  it('verifies each of several signers, and passes over those that it does not know', () => {
    expect(verifyNote(Buffer.from(honest), log)).to.equal(TEXT);
    expect(verifyNote(Buffer.from(honest), other)).to.equal(TEXT);
    expect(parseVerifierKey(encodeVerifierKey(log)).key.keyId).to.equal(log.key.keyId);
  });

  const signature = honest.split('\n').find((line) => line.includes(log.name)) as string;
  const foreign = signNote('x\n', [log]).toString().split('\n').at(-2) as string;
  const refused: Readonly<Record<string, readonly [note: string, code: string]>> = {
    'a changed text': [honest.replace('one', 'two'), 'note-signature-invalid'],
    'a signature of another text': [honest.replace(signature, foreign), 'note-signature-invalid'],
    'its key under another name': [honest.replace(log.name, 'keyturn.example/blog'), 'note-unsigned'],
    'a good and a bad signature of the same key': [`${honest}${foreign}\n`, 'note-signature-invalid'],
    'no signature': [`${TEXT}\n`, 'note-malformed'],
    'no blank line': [TEXT.replace('\n\n', '\n'), 'note-malformed'],
    'a last line that does not end': [honest.slice(0, -1), 'note-malformed'],
    'a hyphen for the dash': [honest.replaceAll('\u2014', '-'), 'note-malformed'],
    'two spaces': [honest.replaceAll('\u2014 ', '\u2014  '), 'note-malformed'],
    'a carriage return': [honest.replace('one\n', 'one\r\n'), 'note-malformed'],
    'a control character': [honest.replace('one', 'o\u0007e'), 'note-malformed'],
    'a signature that is no base64': [honest.replace(signature, `${signature.slice(0, -3)}*==`), 'note-malformed'],
    'a key id and nothing behind it': [`${TEXT}\n\u2014 ${log.name} AAAAAA==\n`, 'note-malformed'],
    'too many signatures': [`${honest}${`${signature}\n`.repeat(64)}`, 'too-many-signatures'],
    'more than a note may have': [`${'x'.repeat(70_000)}\n${honest}`, 'note-malformed'],
  };
  it('has at least fifteen that it refuses', () => {
    expect(Object.keys(refused).length).to.be.at.least(15);
  });
  for (const [what, [note, code]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(codeThrownBy(() => verifyNote(Buffer.from(note), log))).to.equal(code);
    });
  }

  it('refuses a verifier key that is another than it says, in each part', () => {
    const key = encodeVerifierKey(log);
    const lies = [key.replace('keyturn', 'heyturn'), key.replace(/\+[0-9a-f]/, (at) => (at === '+0' ? '+1' : '+0'))];
    for (const lie of [...lies, key.replace('+A', '+B'), `${key}=`, key.replace('+', ' '), '']) {
      expect(
        codeThrownBy(() => parseVerifierKey(lie)),
        lie,
      ).to.be.oneOf(['verifier-key-malformed', 'key-is-not-ed25519']);
    }
  });

  it('signs no text and no name that a note cannot have', () => {
    expect(() => signNote('no end', [log])).to.throw(TypeError);
    expect(() => signNote('a\u0000\n', [log])).to.throw(TypeError);
    expect(() => signNote('a\n', [])).to.throw(RangeError);
    expect(() => signNote('a\n', [{ ...log, name: 'a b' }])).to.throw(TypeError);
  });
});

describe('shared/transparency/checkpoint and log proof', () => {
  const leaves = Array.from({ length: 11 }, (_, index) => Buffer.from(`order ${index}`));
  const tree = new MerkleTree(leaves);
  const checkpoint = signCheckpoint({ size: tree.size, root: tree.root() }, log);
  const proofOf = (index: number) => encodeLogProof({ index, proof: tree.proof(index), checkpoint });

  it('says of a log its name, size and root', () => {
    expect(verifyCheckpoint(checkpoint, log)).to.deep.equal({ origin: log.name, size: 11, root: tree.root() });
    const empty = signCheckpoint({ size: 0, root: new MerkleTree([]).root() }, log);
    expect(verifyCheckpoint(empty, log).size).to.equal(0);
  });

  const root = tree.root().toString('base64');
  const signed = (text: string, signer = log) => signNote(text, [signer]);
  const refused: Readonly<Record<string, readonly [checkpoint: Buffer, code: string]>> = {
    'one of another log': [signCheckpoint({ size: 11, root: tree.root() }, other), 'note-unsigned'],
    'one that names another log': [signed(`other.example/log\n11\n${root}\n`), 'checkpoint-of-another-log'],
    'a size with a leading zero': [signed(`${log.name}\n011\n${root}\n`), 'checkpoint-malformed'],
    'a size below zero': [signed(`${log.name}\n-1\n${root}\n`), 'checkpoint-malformed'],
    'a size beyond the numbers': [signed(`${log.name}\n9007199254740993\n${root}\n`), 'checkpoint-malformed'],
    'a root that is too short': [signed(`${log.name}\n11\nAAAA\n`), 'checkpoint-malformed'],
    'a root in the other alphabet': [signed(`${log.name}\n11\n${'_'.repeat(42)}8=\n`), 'checkpoint-malformed'],
    'an extension line': [signed(`${log.name}\n11\n${root}\nmore\n`), 'checkpoint-malformed'],
    'no root': [signed(`${log.name}\n11\n`), 'checkpoint-malformed'],
  };
  for (const [what, [bytes, code]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(codeThrownBy(() => verifyCheckpoint(bytes, log))).to.equal(code);
    });
  }

  it('proves each leaf, and reads back what it wrote', () => {
    for (const [index, leaf] of leaves.entries()) {
      const proof = proofOf(index);
      expect(verifyLogProof(proof, { leaf, log }).size).to.equal(11);
      expect(encodeLogProof(parseLogProof(proof)).equals(proof)).to.equal(true);
    }
  });

  const text = proofOf(3).toString();
  const lies: Readonly<Record<string, readonly [proof: string, code: string]>> = {
    'another leaf’s index': [text.replace('index 3', 'index 4'), 'not-in-log'],
    'an index beyond the log': [text.replace('index 3', 'index 11'), 'not-in-log'],
    'an index with a leading zero': [text.replace('index 3', 'index 03'), 'log-proof-malformed'],
    'no index': [text.replace('index 3\n', ''), 'log-proof-malformed'],
    'extra data, of which we have none': [text.replace('index 3', 'extra AAAA\nindex 3'), 'log-proof-malformed'],
    'another version': [text.replace('@v1', '@v2'), 'log-proof-malformed'],
    'a path with a hash less': [text.replace(/index 3\n.*\n/, 'index 3\n'), 'not-in-log'],
    'a path with a hash more': [text.replace('index 3\n', `index 3\n${root}\n`), 'not-in-log'],
    'a path that is no base64': [text.replace('index 3\n', 'index 3\n***\n'), 'log-proof-malformed'],
    'a checkpoint of another log': [
      encodeLogProof({
        index: 3,
        proof: tree.proof(3),
        checkpoint: signCheckpoint({ size: 11, root: tree.root() }, other),
      }).toString(),
      'note-unsigned',
    ],
    'an older checkpoint, without that leaf': [
      encodeLogProof({
        index: 3,
        proof: tree.proof(3),
        checkpoint: signCheckpoint({ size: 3, root: new MerkleTree(leaves.slice(0, 3)).root() }, log),
      }).toString(),
      'not-in-log',
    ],
    nothing: ['', 'log-proof-malformed'],
  };
  for (const [what, [proof, code]] of Object.entries(lies)) {
    it(`refuses a proof with ${what}`, () => {
      expect(codeThrownBy(() => verifyLogProof(Buffer.from(proof), { leaf: leaves[3] as Buffer, log }))).to.equal(code);
    });
  }

  it('refuses an honest proof for a leaf that is not the one at hand', () => {
    expect(codeThrownBy(() => verifyLogProof(proofOf(3), { leaf: Buffer.from('order 5'), log }))).to.equal(
      'not-in-log',
    );
  });
});
