/* SPDX-License-Identifier: Apache-2.0 */
/* other_fields.c - fields for templates only; the header is the manual */
#include "config.h"

#include "cmd/other_fields.h"

#include <errno.h>

static const char *const defaults[] = {
	[OTHER_CONTAINER] =
		"{\"Platform\":\"linux\","
		"\"State\":{\"Checkpointed\":false,\"Restored\":false,\"CheckpointLog\":\"\","
		"\"CheckpointPath\":\"\",\"RestoreLog\":\"\"},"
		"\"Config\":{\"Shell\":[],\"NetworkDisabled\":false,\"MacAddress\":\"\","
		"\"ArgsEscaped\":false,\"sdNotifySocket\":\"\",\"Secrets\":[],"
		"\"StartupHealthCheck\":null,\"ChrootDirs\":[],\"SystemdMode\":false},"
		"\"NetworkSettings\":{\"SecondaryIPAddresses\":[],\"SecondaryIPv6Addresses\":[],"
		"\"AdditionalMacAddresses\":[]},"
		"\"HostConfig\":{\"DeviceCgroupRules\":[],\"DeviceRequests\":[],"
		"\"KernelMemoryTCP\":0,\"StorageOpt\":{},\"Sysctls\":{},\"Mounts\":[],"
		"\"IntelRdtClosID\":\"\",\"LogConfig\":{\"Config\":{}}}}",
	[OTHER_IMAGE] = "{\"DockerVersion\":\"\",\"OsVersion\":\"\",\"Container\":\"\","
			"\"Metadata\":{\"LastTagTime\":\"0001-01-01T00:00:00Z\"},"
			"\"ContainerConfig\":null,\"Descriptor\":null,\"Healthcheck\":null,"
			"\"Config\":{\"Image\":\"\",\"Hostname\":\"\",\"Domainname\":\"\"}}",
	[OTHER_NETWORK] = "{\"ConfigFrom\":{\"Network\":\"\"}}",
	[OTHER_INFO] =
		"{\"ID\":\"\",\"DriverStatus\":[],\"Debug\":false,\"NFd\":0,\"NGoroutines\":0,"
		"\"NEventsListener\":0,\"OSVersion\":\"\",\"Labels\":[],\"Warnings\":[],"
		"\"IndexServerAddress\":\"https://index.docker.io/v1/\",\"RegistryConfig\":{},"
		"\"HttpProxy\":\"\",\"HttpsProxy\":\"\",\"NoProxy\":\"\",\"Isolation\":\"\","
		"\"ExperimentalBuild\":false,\"LiveRestoreEnabled\":true,\"ServerErrors\":[],"
		"\"OomKillDisable\":false,\"IPv4Forwarding\":true,\"InitBinary\":\"rl\","
		"\"ClientInfo\":{\"Context\":\"default\",\"Debug\":false,\"Plugins\":[]},"
		"\"host\":{\"conmon\":{\"package\":\"\",\"path\":\"\",\"version\":\"\"},"
		"\"buildahVersion\":\"\",\"databaseBackend\":\"\",\"linkmode\":\"dynamic\","
		"\"freeLocks\":null,\"rootlessNetworkCmd\":\"rl-net\",\"runtimeInfo\":{},"
		"\"networkBackendInfo\":{\"backend\":\"rl\",\"version\":\"\",\"package\":\"\","
		"\"path\":\"\",\"dns\":{}}},"
		"\"store\":{\"configFile\":\"\",\"transientStore\":false},"
		"\"plugins\":{\"authorization\":null}}",
};

static int add_missing(json_t *to, json_t *from)
{
	const char *key;
	json_t *v;
	int bad = 0;

	json_object_foreach (from, key, v) {
		json_t *have = json_object_get(to, key);

		if (json_is_object(have) && json_is_object(v))
			bad |= add_missing(have, v);
		else if (!have || (json_is_null(have) && json_is_object(v)))
			bad |= json_object_set(to, key, v);
	}
	return bad;
}

/* The same by another name */
static int add_copies(json_t *o)
{
	json_t *host = json_object_get(o, "HostConfig"),
	       *isolation = json_object_get(o, "Isolation");
	static const char *const paths[] = { "MaskedPaths", "ReadonlyPaths" };
	int bad = json_object_set(host, "CgroupnsMode", json_object_get(host, "CgroupMode"));

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		json_t *v = json_object_get(isolation, paths[i]);

		bad |= v ? json_object_set(host, paths[i], v)
			 : json_object_set_new(host, paths[i], json_array());
	}
	return bad;
}

int other_fields(json_t *o, enum other_of what)
{
	json_auto_t *from = json_loads(defaults[what], 0, NULL);

	if (!from || add_missing(o, from) < 0)
		return -ENOMEM;
	return what == OTHER_CONTAINER && add_copies(o) < 0 ? -ENOMEM : 0;
}
