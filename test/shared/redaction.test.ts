import { expect } from 'chai';
import fc from 'fast-check';
import { cutMark, REDACTED, redact } from '../../shared/redaction.ts';

const SECRET = 'p4ss/w"rd+ü\\n%7e';

interface Spelling {
  readonly name: string;
  encode(secret: Buffer): string;
}

const SPELLINGS: readonly Spelling[] = [
  { name: 'plain', encode: (secret) => secret.toString('utf8') },
  { name: 'base64', encode: (secret) => secret.toString('base64') },
  { name: 'URL-safe base64', encode: (secret) => secret.toString('base64url') },
  { name: 'base64 one byte into a longer text', encode: (secret) => encodedInside(secret, 'u') },
  { name: 'base64 two bytes into a longer text', encode: (secret) => encodedInside(secret, 'u:') },
  { name: 'base64 wrapped after eight digits', encode: (secret) => wrapped(secret.toString('base64'), 8) },
  { name: 'hexadecimal in lower case', encode: (secret) => secret.toString('hex') },
  { name: 'hexadecimal in upper case', encode: (secret) => secret.toString('hex').toUpperCase() },
  { name: 'hexadecimal bytes set apart', encode: (secret) => (secret.toString('hex').match(/../g) ?? []).join(':') },
  { name: 'URL-encoded', encode: (secret) => encodeURIComponent(secret.toString('utf8')) },
  { name: 'URL-encoded byte for byte', encode: (secret) => secret.toString('hex').replace(/../g, '%$&') },
  { name: 'form-encoded', encode: (secret) => String(new URLSearchParams({ k: secret.toString('utf8') })).slice(2) },
  { name: 'a JSON string', encode: (secret) => JSON.stringify(secret.toString('utf8')) },
  { name: 'a JSON string in ASCII', encode: (secret) => asciiJson(secret.toString('utf8')) },
  { name: 'bytes with hexadecimal escapes', encode: (secret) => secret.toString('hex').replace(/../g, '\\x$&') },
];

describe('redact', () => {
  it('knows at least fifteen spellings', () => expect(SPELLINGS).to.have.length.of.at.least(15));

  for (const spelling of SPELLINGS) {
    it(`takes out a secret that is printed as ${spelling.name}`, () => {
      const printed = `before ${spelling.encode(Buffer.from(SECRET))} after`;
      const { text, redactedCount } = redact(printed, [Buffer.from(SECRET)]);
      expect(text).to.match(/^before .*\[redacted\].* after$/s);
      expect(redactedCount).to.be.at.least(1);
      expect(spelledAnyhow(text, SECRET)).to.equal(false, text);
    });
  }

  it('leaves no secret of six bytes or more in any spelling, whatever stands around it', () => {
    const secrets = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 60 }).filter((text) => text.isWellFormed());
    const around = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(secrets, around, around, fc.constantFrom(...SPELLINGS), (secret, before, after, spelling) => {
        // A secret that is part of the replacement itself cannot be told from it.
        fc.pre(!REDACTED.includes(secret.trim()));
        const printed = `${before} ${spelling.encode(Buffer.from(secret))} ${after}`;
        const { text } = redact(printed, [Buffer.from(secret)]);
        return SPELLINGS.every(({ encode }) => !text.includes(encode(Buffer.from(secret))));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes out a binary secret as hexadecimal and base64', () => {
    const key = Buffer.from('00ff10fe80c3287f00aa', 'hex');
    const { text } = redact(`${key.toString('hex')} ${key.toString('base64')} ${key.toString('utf8')}`, [key]);
    expect(text).to.equal('[redacted] [redacted]== [redacted]');
  });

  it('leaves a text without secrets as it is, byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => redact(text, []).text === text || text.includes('://')),
    );
  });

  it('does not search secrets below four bytes', () => {
    expect(redact('exit code 42, 142 tests', [Buffer.from('42')]).text).to.equal('exit code 42, 142 tests');
    expect(redact('pin 4242.', [Buffer.from('4242')]).text).to.equal('pin [redacted].');
  });

  it('finds a secret whose file ends in a line end', () => {
    expect(redact('got hunter22!', [Buffer.from('hunter22\r\n')]).text).to.equal('got [redacted]!');
  });

  it('finds the lines of a secret that was printed with indentation', () => {
    const key = 'first-line-of-key\nsecond-line-of-key\n';
    const { text } = redact('  first-line-of-key\n  second-line-of-key', [Buffer.from(key)]);
    expect(text).to.equal('  [redacted]\n  [redacted]');
  });

  const DSNS = [
    ['a password in a DSN', 'postgres://app:s3cr3t!@db/x', 's3cr3t!'],
    ['a password that a DSN writes URL-encoded', 'postgres://app:s3%2Fcr3t@db/x', 's3/cr3t'],
    ['a password in a keyword DSN', 'host=db password=s3cr3t! user=app', 's3cr3t!'],
    ['a quoted password in a keyword DSN', "host=db password='it\\'s s3cr3t' user=app", "it's s3cr3t"],
  ] as const;
  for (const [name, dsn, password] of DSNS) {
    it(`finds ${name}, printed alone`, () => {
      expect(redact(`login with ${password} failed`, [Buffer.from(dsn)]).text).to.equal('login with [redacted] failed');
    });
  }

  const SHAPES = [
    ['user and password in a URL', 'GET https://bob:hunter2@host/a', 'GET https://[redacted]@host/a'],
    ['a password with an @ in a URL', 'x://bob:hun@ter2@host/a', 'x://[redacted]@host/a'],
    ['a bearer token', 'Authorization: Bearer abc.DEF-123_xyz', 'Authorization: Bearer [redacted]'],
    ['basic credentials', 'authorization: basic dXNlcjpwYXNz0w==', 'authorization: basic [redacted]'],
    ['a cloud access key', 'key AKIAIOSFODNN7EXAMPLE.', 'key [redacted].'],
    ['a forge token', `ghp_${'a1'.repeat(18)}`, '[redacted]'],
    ['a JSON web token', `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`, '[redacted]'],
    ['a private key', 'a\n-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nb', 'a\n[redacted]\nb'],
    ['a private key that breaks off', 'a -----BEGIN EC PRIVATE KEY-----\nMIIabc', 'a [redacted]'],
  ] as const;
  it('has at least nine shapes of credentials', () => expect(SHAPES).to.have.length.of.at.least(9));
  for (const [name, printed, expected] of SHAPES) {
    it(`takes out ${name} that nobody told it of`, () => expect(redact(printed, []).text).to.equal(expected));
  }

  const HARMLESS = ['basic authentication is off', 'http://host:80/path', 'see https://host/a@b', 'sha256 AKIA', '://'];
  for (const text of HARMLESS) {
    it(`leaves "${text}" alone`, () => expect(redact(text, [])).to.deep.equal({ text, redactedCount: 0 }));
  }

  it('takes out what a cut left of a secret on both sides of the mark', () => {
    const cut = `x abcdefgh${cutMark(1000)}stuvwxyz y`;
    const { text } = redact(cut, [Buffer.from('abcdefghijklmnopqrstuvwxyz')]);
    expect(text).to.equal(`x [redacted]${cutMark(1000)}[redacted] y`);
  });

  it('counts overlapping finds once', () => {
    expect(redact('aaaaaaaa', [Buffer.from('aaaa')])).to.deep.equal({ text: '[redacted]', redactedCount: 1 });
  });

  it('reads a mebibyte of hostile text in bounded time', function () {
    this.timeout(20_000);
    const hostile = ['eyJ-', '://a:', '-----BEGIN PRIVATE KEY-----', '%', '\\u', cutMark(1), 'bearer '].map((part) =>
      part.repeat(2 ** 20 / part.length),
    );
    expect(hostile).to.have.lengthOf(7);
    for (const text of hostile) redact(text, [Buffer.from('correct horse battery staple')]);
  });
});

function encodedInside(secret: Buffer, prefix: string): string {
  return Buffer.concat([Buffer.from(prefix), secret, Buffer.from('!')]).toString('base64');
}

function wrapped(text: string, columns: number): string {
  return (text.match(new RegExp(`.{1,${columns}}`, 'g')) ?? []).join('\n');
}

function asciiJson(text: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[\u0080-\uffff]/g, escaped);
}

/** An independent look: whether the secret can be had back by decoding any run of the text. */
function spelledAnyhow(text: string, secret: string): boolean {
  const runs = text.split(/[^A-Za-z0-9+/_=:%-]+/);
  const decoded = runs.flatMap((run) => [
    run,
    Buffer.from(run, 'base64').toString('utf8'),
    Buffer.from(run.replaceAll(':', ''), 'hex').toString('utf8'),
  ]);
  return [text, ...decoded].some((candidate) => candidate.includes(secret));
}
