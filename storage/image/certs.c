/* SPDX-License-Identifier: Apache-2.0 */
/* certs.c - certs.d; the header is the manual */
#include "config.h"

#include "storage/image/certs.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/http.h"

static const char *system_bundle(void)
{
#if LIBCURL_VERSION_NUM >= 0x074600
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
#else
	return NULL;
#endif
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && strcmp(s + n - k, end) == 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "<dir>/<host>" of the first certs.d that has it; "" when none has; NULL when out of memory. */
static char *find_dir(const struct http_conf *conf, const char *host)
{
	for (size_t i = 0; conf->ca_dirs && i < conf->ca_dirs->n; i++) {
		char *path = str_printf("%s/%s", conf->ca_dirs->v[i], host);

		if (!path || is_dir(path))
			return path;
		free(path);
	}
	return strdup("");
}

/* These folders are the user's or the administrator's own: links in them are followed. */
static int add_ca(const char *path, struct buf *pem, struct rl_err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "open CA certificate '%s'", path);
	r = io_read_all(fd, CERTS_SIZE_MAX, pem);
	if (r < 0)
		return rl_fail_sys(err, -r, "read CA certificate '%s'", path);
	return buf_str(pem, "\n") < 0 ? rl_oom(err) : 0;
}

static int use_client_cert(CURL *e, const char *cert, struct rl_err *err)
{
	auto_free char *key = strdup(cert);

	if (!key)
		return rl_oom(err);
	memcpy(key + strlen(key) - 5, ".key", 5); /* over ".cert", one shorter */
	if (access(key, R_OK) < 0)
		return rl_fail_sys(err, errno, "client certificate '%s': its key '%s'", cert, key);
	if (curl_easy_setopt(e, CURLOPT_SSLCERT, cert) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_SSLKEY, key) != CURLE_OK)
		return rl_oom(err);
	return 0;
}

static int read_dir(const char *dir, CURL *e, bool home, struct buf *pem, struct rl_err *err)
{
	auto_dir DIR *d = opendir(dir);
	struct dirent *de;
	int r = 0;

	if (!d)
		return rl_fail_sys(err, errno, "open certificate folder '%s'", dir);
	while (r == 0 && (de = readdir(d))) {
		auto_free char *path = str_printf("%s/%s", dir, de->d_name);

		if (!path)
			return rl_oom(err);
		if (ends_with(de->d_name, ".crt"))
			r = add_ca(path, pem, err);
		else if (home && ends_with(de->d_name, ".cert"))
			r = use_client_cert(e, path, err);
	}
	return r;
}

static int set_cas(CURL *e, struct buf *pem, struct rl_err *err)
{
#if LIBCURL_VERSION_NUM >= 0x074d00
	const char *bundle = system_bundle();
	struct rl_err ignored;
	struct curl_blob blob;

	/* without the system's CAs those of the folder still count */
	if (bundle && access(bundle, R_OK) == 0)
		RL_IGNORE(add_ca(bundle, pem, &ignored));
	blob = (struct curl_blob){ pem->data, pem->len, CURL_BLOB_COPY };
	if (curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK)
		return rl_oom(err);
	return 0;
#else
	(void)e;
	(void)pem;
	rl_fail(err, ENOTSUP, "CA certificates of certs.d need libcurl 7.77 or newer");
	return rl_hint(err, "add the CA to the system's certificates instead");
#endif
}

int certs_apply(const struct http_conf *conf, CURL *e, const char *url, bool home,
		struct rl_err *err)
{
	auto_buf struct buf pem = { 0 };
	auto_free char *host = NULL, *dir = NULL;
	int r = 0;

	if (strncmp(url, "https:", 6) != 0)
		return 0;
	host = http_host(url);
	dir = host ? find_dir(conf, host) : NULL;
	if (!dir)
		return rl_oom(err);
	if (*dir)
		r = read_dir(dir, e, home, &pem, err);
	if (r == 0 && conf->cert_dir)
		r = read_dir(conf->cert_dir, e, home, &pem, err);
	if (r == 0 && pem.len > 0)
		r = set_cas(e, &pem, err);
	return r;
}

char *certs_where(const struct http_conf *conf, const char *host)
{
	const char *bundle = system_bundle();
	struct buf b = { 0 };
	int r = buf_str(&b, bundle ? bundle : "the system's CAs");

	if (r == 0 && conf->cert_dir)
		r = buf_printf(&b, ", %s", conf->cert_dir);
	for (size_t i = 0; r == 0 && conf->ca_dirs && i < conf->ca_dirs->n; i++)
		r = buf_printf(&b, ", %s/%s", conf->ca_dirs->v[i], host);
	if (r < 0) {
		buf_done(&b);
		return NULL;
	}
	return buf_take(&b);
}
