// Four federated subgraphs as another team would write them (GraphQL Yoga, @apollo/subgraph), composed by another composer.
// Prints one line of JSON when all listen: where each is, and where to ask how often each was called.
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';

const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@requires", "@provides", "@external", "@override", "@shareable"])\n`;

const names = { 1: 'Kettle', 2: 'Teapot', 3: 'Mug' };
const products = Object.keys(names).map((id) => ({ id, name: names[id], weight: Number(id) * 100 }));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const byType = (found) => found.__typename ?? found.kind;

const subgraphs = {
  products: {
    typeDefs: `
      type Query {
        products: [Product!]!
        product(id: ID!): Product
        media: [Media!]!
        search(term: String!): [Found!]!
      }
      type Mutation { rename(id: ID!, name: String!): Product }
      type Subscription { renamed(times: Int!): Product! }
      type Product @key(fields: "id") { id: ID! name: String! weight: Int! label: String media: [Media!]! }
      interface Media { id: ID! url: String! }
      type Picture implements Media @key(fields: "id") { id: ID! url: String! width: Int! }
      type Film implements Media @key(fields: "id") { id: ID! url: String! seconds: Int! }
      type Shelf { number: Int! products: [Product!]! }
      union Found = Product | Shelf`,
    resolvers: () => {
      const media = [
        { kind: 'Picture', id: 'p1', url: '/1.jpg', width: 800 },
        { kind: 'Film', id: 'f1', url: '/1.mp4', seconds: 12 },
      ];
      return {
        Query: {
          products: () => products,
          product: (_, { id }) => products.find((p) => p.id === id),
          media: () => media,
          search: (_, { term }) => [{ kind: 'Shelf', number: 7 }, ...products.filter((p) => p.name.includes(term))],
        },
        Mutation: {
          rename: (_, { id, name }) => Object.assign(products.find((p) => p.id === id), { name }),
        },
        Subscription: {
          renamed: {
            subscribe: async function* (_, { times }) {
              for (let n = 0; n < times; n++) yield { renamed: products[n % products.length] };
            },
          },
        },
        Product: {
          __resolveReference: ({ id }) => products.find((p) => p.id === id),
          label: () => 'from products',
          media: () => media,
        },
        Shelf: { products: () => products.slice(0, 1) },
        Media: { __resolveType: byType },
        Found: { __resolveType: (found) => found.kind ?? 'Product' },
      };
    },
  },
  stock: {
    typeDefs: `
      type Query { slow: String broken: String! }
      type Product @key(fields: "id") {
        id: ID!
        weight: Int! @external
        shipping: Int! @requires(fields: "weight")
        inStock: Int
        label: String @override(from: "products")
        fragile: Boolean
      }`,
    resolvers: () => ({
      Query: {
        slow: () => wait(60_000),
        broken: () => { throw new Error('the shelf at 10.0.0.7 fell down'); },
      },
      Product: {
        __resolveReference: (reference) => reference,
        shipping: ({ weight }) => weight / 10 + 5,
        inStock: ({ id }) => Number(id) * 10,
        label: () => 'from stock',
        fragile: ({ id }) => {
          if (id === '2') throw new Error('nobody knows');
          return true;
        },
      },
    }),
  },
  reviews: {
    typeDefs: `
      type Query { reviews: [Review!]! }
      type Review { id: ID! text: String! product: Product! author: Person! @provides(fields: "name") }
      type Product @key(fields: "id") { id: ID! reviews: [Review!]! }
      type Person @key(fields: "id") { id: ID! name: String! @external }
      type Picture @key(fields: "id") { id: ID! comments: [String!]! }`,
    resolvers: () => {
      const reviews = [
        { id: 'r1', text: 'Good', product: { id: '1' }, author: { id: 'u1', name: 'Ada' } },
        { id: 'r2', text: 'Leaks', product: { id: '2' }, author: { id: 'u2', name: 'Ben' } },
      ];
      return {
        Query: { reviews: () => reviews },
        Product: {
          __resolveReference: (reference) => reference,
          reviews: ({ id }) => reviews.filter((r) => r.product.id === id),
        },
        Picture: { __resolveReference: (reference) => reference, comments: ({ id }) => [`about ${id}`] },
      };
    },
  },
  people: {
    typeDefs: `
      type Query { person(id: ID!): Person }
      type Person @key(fields: "id") { id: ID! name: String! @shareable email: String! seen: [String!]! }`,
    resolvers: () => {
      const person = (id) => ({ id, name: id === 'u1' ? 'Ada' : 'Ben', email: `${id}@example.com` });
      return {
        Query: { person: (_, { id }) => person(id) },
        Person: {
          __resolveReference: ({ id }) => person(id),
          // The headers that came along.
          seen: (_, __, { request }) => ['authorization', 'traceparent', 'cookie', 'x-secret']
            .map((name) => `${name}: ${request.headers.get(name) ?? ''}`),
        },
      };
    },
  },
  lost: { typeDefs: 'type Query { lost: String }', resolvers: () => ({}) },
};

const calls = {};
const services = [];
for (const [name, { typeDefs, resolvers }] of Object.entries(subgraphs)) {
  const document = parse(FEDERATION + typeDefs);
  const schema = buildSubgraphSchema({ typeDefs: document, resolvers: resolvers() });
  const yoga = createYoga({ schema, logging: false, maskedErrors: false });
  calls[name] = 0;
  const server = createServer((request, response) => {
    calls[name]++;
    return yoga(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  services.push({ name, typeDefs: document, url: `http://127.0.0.1:${port}/graphql` });
  // This one is in the supergraph, and nobody answers.
  if (name === 'lost') await new Promise((resolve) => server.close(resolve));
}

const composed = composeServices(services);
if (composed.errors?.length) throw new Error(composed.errors.map((e) => e.message).join('\n'));
writeFileSync(process.argv[2], composed.supergraphSdl);

const counter = createServer((_, response) => response.end(JSON.stringify(calls)));
await new Promise((resolve) => counter.listen(0, '127.0.0.1', resolve));
console.log(JSON.stringify({ calls: `http://127.0.0.1:${counter.address().port}/` }));
