# The S3 store of the compose file: SeaweedFS, as a user that is not root.
ARG SEAWEEDFS=3.97
FROM chrislusf/seaweedfs:${SEAWEEDFS}
RUN mkdir -p /data && chown 10001:10001 /data && chmod 0700 /data
USER 10001:10001
VOLUME /data
ENTRYPOINT ["/usr/bin/weed"]
CMD ["server", "-dir=/data", "-ip=store", "-ip.bind=0.0.0.0", "-volume.max=0", \
     "-master.volumeSizeLimitMB=1024", "-s3", "-s3.port=8333", "-s3.config=/run/secrets/store-config"]
