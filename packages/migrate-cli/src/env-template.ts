/**
 * The text of `.env.example`, which `parquetry init` writes as `.env`.
 *
 * @example
 * ```ts
 * await writeFile(".env", ENV_TEMPLATE, { flag: "wx" });
 * ```
 */
export const ENV_TEMPLATE: string = `# Parquetry reads these variables. Keep this file out of version control: it
# will hold secrets. A variable that is set in the shell overrides this file.
# To use another prefix: parquetry --env-prefix NFL.

# Where the data is: local, r2 or s3. Change this line to switch, and change it
# back to return.
PARQUETRY_STORAGE_BACKEND=local

# local: the folder that holds the data. It must exist.
PARQUETRY_DATA_ROOT=

# r2: Cloudflare R2. Create the keys under R2 > Manage API tokens, with
# "Object Read & Write" on the bucket.
# PARQUETRY_R2_BUCKET=
# PARQUETRY_R2_ACCOUNT_ID=
# PARQUETRY_R2_ACCESS_KEY=
# PARQUETRY_R2_SECRET_KEY=
# Optional: eu, us or fedramp; another endpoint; a folder inside the bucket.
# PARQUETRY_R2_JURISDICTION=
# PARQUETRY_R2_ENDPOINT=
# PARQUETRY_R2_PREFIX=

# s3: AWS S3 or a compatible server. Credentials come from the AWS default chain
# (AWS_PROFILE, an instance role, or these two).
# PARQUETRY_S3_BUCKET=
# PARQUETRY_S3_REGION=us-east-1
# AWS_ACCESS_KEY_ID=
# AWS_SECRET_ACCESS_KEY=
# Optional: another endpoint; the bucket in the path instead of the host name;
# a folder inside the bucket.
# PARQUETRY_S3_ENDPOINT=
# PARQUETRY_S3_FORCE_PATH_STYLE=
# PARQUETRY_S3_PREFIX=

# Only for --engine trino: the coordinator; where the tables are; who asks.
# PARQUETRY_TRINO_URL=
# PARQUETRY_TRINO_CATALOG=hive
# PARQUETRY_TRINO_SCHEMA=default
# PARQUETRY_TRINO_USER=
# A password or a token.
# PARQUETRY_TRINO_PASSWORD=
# PARQUETRY_TRINO_TOKEN=
`;
