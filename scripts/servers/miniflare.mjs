import { Miniflare } from "miniflare";

/** Cloudflare's simulator of R2, through its S3 API. */
export const miniflare = {
  name: "miniflare",
  profile: "r2",
  need: "npm: miniflare, with the workerd of this platform",
  isAvailable: async () => true,

  async start(dir, { bucket, credentials }) {
    const simulator = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      // Otherwise it downloads sample request metadata from Cloudflare.
      cf: false,
      modules: true,
      script: 'export default { fetch: () => new Response("") }',
      r2Buckets: { BUCKET: { id: bucket, s3Credentials: credentials } },
      r2Persist: dir,
    });
    try {
      const url = await simulator.ready;
      return {
        endpoint: new URL("/cdn-cgi/local/r2/s3", url).href,
        hasBucket: true,
        stop: () => simulator.dispose(),
      };
    } catch (error) {
      await simulator.dispose();
      throw error;
    }
  },
};
