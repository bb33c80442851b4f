// An OpenID Connect provider for tests, with its own sign-in and consent pages: whoever types a known login is that
// person. Arguments: port, file with the accounts, address to which the shop's customers return.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, accounts, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const key = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  alg,
  use: 'sig',
  kid: randomUUID(),
});

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'shop',
      client_secret: 'a secret: of the shop/1',
      redirect_uris: [redirectUri],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: {
    keys: [key('ec', { namedCurve: 'P-256' }, 'ES256'), key('rsa', { modulusLength: 2048 }, 'RS256')],
  },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { required: () => true },
  async findAccount(_, login) {
    const account = JSON.parse(readFileSync(accounts, 'utf8'))[login];
    return account && { accountId: login, claims: async () => ({ sub: login, ...account }) };
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log(issuer));
