// Drives a gateway with the clients that shops use. Prints what each of them got, as one line of JSON.
// Arguments: the HTTP address of the graph.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createHash } from 'node:crypto';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2];
const socketUrl = url.replace(/^http/, 'ws') + '/ws';
const got = {};

// graphql-ws: a query, a subscription to its end, one that is ended from here, and a refusal.
const ws = createWs({ url: socketUrl, webSocketImpl: WebSocket });
const collect = async (client, query, most = Infinity) => {
  const results = [];
  for await (const result of client.iterate({ query })) {
    results.push(result);
    if (results.length >= most) break;
  }
  return results;
};
got.ws = {
  query: await collect(ws, '{ products { name } }'),
  subscription: await collect(ws, 'subscription { renamed(times: 3) { name inStock } }'),
  ended: (await collect(ws, 'subscription { renamed(times: 100000) { id } }', 2)).length,
  refused: await collect(ws, '{ nothing }').catch((errors) => errors.map((e) => e.extensions.code)),
};
await ws.dispose();

// graphql-sse, distinct connections.
const sse = createSse({ url });
got.sse = {
  query: await collect(sse, '{ product(id: "1") { name shipping } }'),
  subscription: await collect(sse, 'subscription { renamed(times: 3) { name } }'),
  ended: (await collect(sse, 'subscription { renamed(times: 100000) { id } }', 2)).length,
};
sse.dispose();

// Apollo Client: automatic persisted queries over GET, batches, subscriptions.
const headers = { 'apollo-require-preflight': 'true' };
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const seen = [];
const counting = (input, init) => {
  seen.push(init.method);
  return fetch(input, init);
};
const http = new HttpLink({ uri: url, headers, fetch: counting });
const client = (link) => new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } });
const persisted = client(ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries: true }), http]));
const PRODUCT = gql`query Product($id: ID!) { product(id: $id) { id name label inStock } }`;
const ask = async (apollo, query, variables) => (await apollo.query({ query, variables })).data;
got.apollo = {
  first: await ask(persisted, PRODUCT, { id: '1' }),
  again: await ask(persisted, PRODUCT, { id: '2' }),
  methods: seen.join(' '),
};
const batched = client(new BatchHttpLink({ uri: url, batchMax: 5, batchInterval: 20, fetch: (input, init) => {
  got.apollo.batch = JSON.parse(init.body).length;
  return fetch(input, init);
} }));
got.apollo.batched = await Promise.all(['1', '2', '3'].map((id) => ask(batched, PRODUCT, { id })));
const socket = createWs({ url: socketUrl, webSocketImpl: WebSocket });
const listening = client(new GraphQLWsLink(socket));
got.apollo.subscription = await new Promise((resolve, reject) => {
  const names = [];
  listening.subscribe({ query: gql`subscription { renamed(times: 2) { name } }` }).subscribe({
    next: ({ data }) => names.push(data.renamed.name), error: reject, complete: () => resolve(names),
  });
});
await socket.dispose();

// urql: query, mutation, error, subscription over server-sent events.
const events = createSse({ url });
const urql = new Client({
  url,
  preferGetMethod: false,
  exchanges: [cacheExchange, fetchExchange, subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: events.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  })],
});
got.urql = {
  query: (await urql.query('{ reviews { text author { name } } }', {}).toPromise()).data,
  mutation: (await urql.mutation('mutation { rename(id: "3", name: "Mug") { name inStock } }', {}).toPromise()).data,
  error: (await urql.query('{ nothing }', {}).toPromise()).error.graphQLErrors.map((e) => e.extensions.code),
  subscription: await new Promise((resolve) => {
    const names = [];
    const { unsubscribe } = urql.subscription('subscription { renamed(times: 100000) { name } }', {}).subscribe(({ data }) => {
      names.push(data.renamed.name);
      if (names.length === 2) { unsubscribe(); resolve(names); }
    });
  }),
};
events.dispose();

console.log(JSON.stringify(got));
process.exit(0);
